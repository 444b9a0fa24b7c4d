// See virtio_pci.h.
#include "devices/virtio/virtio_pci.h"

namespace lockstitch {
namespace {
// Device status, virtio 1.2 2.1. The driver adds bits from left to right; 0 starts again:
//   0 → ACKNOWLEDGE → DRIVER → FEATURES_OK → DRIVER_OK, with FAILED (driver) and NEEDS_RESET (device) at any time.
constexpr std::uint8_t status_driver_ok = 0x04, status_features_ok = 0x08, status_needs_reset = 0x40;
constexpr std::uint8_t status_driver_bits = 0x8f;

constexpr unsigned feature_indirect = 28, feature_version_1 = 32;
constexpr std::uint8_t isr_queue = 1, isr_config = 2;
constexpr std::uint16_t no_vector = 0xffff;

// Regions of the register BAR, 4 KiB each.
constexpr std::uint64_t region_bytes = 0x1000;
enum Region : unsigned { region_common, region_isr, region_device, region_notify };
constexpr unsigned notify_multiplier = 4;
constexpr unsigned common_bytes = 0x38;

constexpr std::uint8_t capability_msix = 0x11, capability_vendor = 0x09;
constexpr std::uint8_t msix_enable = 0x80, msix_function_mask = 0x40;  // of the high byte of message control
constexpr unsigned access_bar = 4, access_offset = 8, access_length = 12, access_data = 16;

std::uint32_t class_of(unsigned type) {
  switch (type) {
    case 1: return 0x02'00'00;
    case 2: return 0x01'00'00;
    case 3: return 0x07'80'00;
    default: return 0x00'ff'00;
  }
}

std::uint32_t half(std::uint64_t value, unsigned index) { return static_cast<std::uint32_t>(value >> (32 * index)); }
void set_half(std::uint64_t& value, unsigned index, std::uint32_t part) {
  const unsigned shift = 32 * index;
  value = (value & ~(std::uint64_t{0xffff'ffff} << shift)) | std::uint64_t{part} << shift;
}
}  // namespace

VirtioPci::VirtioPci(std::string name, GuestMemory& memory, MsiPort& msi, IrqLine& intx, VirtioDevice& device)
    : PciFunction(std::move(name), {.vendor = 0x1af4,
                                    .device = static_cast<std::uint16_t>(0x1040 + device.type()),
                                    .revision = 1,
                                    .class_code = class_of(device.type()),
                                    .interrupt_pin = 1}),
      memory_(memory),
      intx_(intx),
      device_(device),
      msix_(msi, device.queues() + 1) {
  add_bar(msix_bar, BarKind::memory32, msix_bytes);
  add_bar(register_bar, BarKind::memory64_prefetchable, register_bytes);
  const auto last_vector = static_cast<std::uint8_t>(msix_.vectors() - 1);
  msix_capability_ = add_capability({capability_msix, 0, last_vector, 0, msix_bar, 0, 0, 0,
                                     msix_bar, Msix::pending_offset >> 8, 0, 0});
  set_writable(msix_capability_ + 3, 1, msix_enable | msix_function_mask);
  // Each region is described by id, link, length of the capability, type, BAR, padding, offset, length.
  for (std::uint8_t type : {1, 3, 4}) {
    const std::uint8_t region = type == 1 ? region_common : type == 3 ? region_isr : region_device;
    add_capability({capability_vendor, 0, 16, type, register_bar, 0, 0, 0, 0,
                    static_cast<std::uint8_t>(region << 4), 0, 0, 0, region_bytes >> 8, 0, 0});
  }
  add_capability({capability_vendor, 0, 20, 2, register_bar, 0, 0, 0, 0, region_notify << 4, 0, 0, 0,
                  region_bytes >> 8, 0, 0, notify_multiplier, 0, 0, 0});
  access_capability_ = add_capability({capability_vendor, 0, 20, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  set_writable(access_capability_ + access_bar, 1);
  set_writable(access_capability_ + access_offset, 12);
  queues_.reserve(device.queues());
  for (unsigned i = 0; i < device.queues(); ++i) queues_.emplace_back(memory);
  device.connect(*this);
}

void VirtioPci::attach(MapPort& msix_window, MapPort& registers) {
  attach_bar(msix_bar, msix_window);
  attach_bar(register_bar, registers);
}

void VirtioPci::reset() {
  PciFunction::reset();
  msix_.reset();
  generation_ = 0;
  broken_count_ = 0;
  device_reset();
  device_.power_on();
}

void VirtioPci::visit(StateVisitor& v) {
  PciFunction::visit(v);
  v.field("device_feature_select", device_feature_select_);
  v.field("driver_feature_select", driver_feature_select_);
  v.field("driver_features", driver_features_);
  v.field("config_vector", config_vector_);
  v.field("queue_select", queue_select_);
  v.field("status", status_);
  v.field("generation", generation_);
  v.field("isr", isr_);
  v.field("broken_count", broken_count_);
  {
    Section section(v, "msix");
    msix_.visit(v);
  }
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    Section section(v, "queue" + std::to_string(i));
    queues_[i].ring.visit(v);
    v.field("vector", queues_[i].vector);
  }
  Section section(v, "device");
  device_.visit(v);
}

void VirtioPci::loaded() {
  PciFunction::loaded();
  const std::uint8_t control = config(msix_capability_ + 3);
  msix_.control(control & msix_enable, control & msix_function_mask);
}

bool VirtioPci::msix_enabled() const { return config(msix_capability_ + 3) & msix_enable; }

bool VirtioPci::config_access(RegisterWindow*& window, std::uint64_t& offset, unsigned& width) {
  const std::uint8_t bar = config(access_capability_ + access_bar);
  if (bar != register_bar && bar != msix_bar) return false;
  window = bar == register_bar ? static_cast<RegisterWindow*>(&registers_) : &msix_;
  offset = config_dword(access_capability_ + access_offset);
  width = config_dword(access_capability_ + access_length);
  if (width != 1 && width != 2 && width != 4) return false;
  return offset % width == 0 && offset + width <= (bar == register_bar ? register_bytes : msix_bytes);
}

std::uint32_t VirtioPci::read_config(unsigned offset, unsigned width) {
  RegisterWindow* window;
  std::uint64_t at;
  unsigned bytes;
  const unsigned data = access_capability_ + access_data;
  if (offset < data + 4 && offset + width > data && config_access(window, at, bytes)) {
    const std::uint64_t value = window->read(at, bytes);
    for (unsigned i = 0; i < bytes; ++i) set_config(data + i, static_cast<std::uint8_t>(value >> (8 * i)));
  }
  std::uint32_t value = PciFunction::read_config(offset, width);
  if (offset <= 6 && offset + width > 6 && line_level()) value |= 0x08u << (8 * (6 - offset));  // Interrupt Status
  return value;
}

void VirtioPci::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  const bool was_master = bus_master();
  PciFunction::write_config(offset, width, value);
  const std::uint8_t control = config(msix_capability_ + 3);
  msix_.control(control & msix_enable, control & msix_function_mask);
  msix_.deliver();
  update_line();
  RegisterWindow* window;
  std::uint64_t at;
  unsigned bytes;
  const unsigned data = access_capability_ + access_data;
  if (offset < data + 4 && offset + width > data && config_access(window, at, bytes)) {
    window->write(at, bytes, config_dword(data) & ones(bytes));
  }
  if (bus_master() && !was_master) notify_all();
}

std::uint64_t VirtioPci::offered_features() const {
  return device_.features() | std::uint64_t{1} << feature_version_1 | std::uint64_t{1} << feature_indirect;
}

std::uint64_t VirtioPci::read_register(std::uint64_t offset, unsigned width) {
  const auto inner = static_cast<unsigned>(offset % region_bytes);
  switch (offset / region_bytes) {
    case region_isr: {
      if (inner != 0) return 0;
      const std::uint8_t value = isr_;
      isr_ = 0;
      update_line();
      return value;
    }
    case region_common: case region_device: {
      const bool common = offset < region_bytes;
      std::uint64_t value = 0;
      for (unsigned i = 0; i < width; ++i) {
        const unsigned at = inner + i;
        const std::uint32_t byte = common ? common_dword(at / 4) >> (8 * (at & 3)) & 0xff : device_.config(at);
        value |= std::uint64_t{byte} << (8 * i);
      }
      return value;
    }
    default: return 0;
  }
}

void VirtioPci::write_register(std::uint64_t offset, unsigned width, std::uint64_t value) {
  const auto inner = static_cast<unsigned>(offset % region_bytes);
  switch (offset / region_bytes) {
    case region_notify:
      if (inner % notify_multiplier == 0) notify(inner / notify_multiplier);
      break;
    case region_common:
      if (width == 8) {
        write_common(inner, 4, half(value, 0));
        write_common(inner + 4, 4, half(value, 1));
      } else {
        write_common(inner, width, static_cast<std::uint32_t>(value & ones(width)));
      }
      break;
    default: break;
  }
}

std::uint32_t VirtioPci::common_dword(unsigned index) {
  const Queue* queue = selected_queue();
  switch (index) {
    case 0: return device_feature_select_;
    case 1: return device_feature_select_ < 2 ? half(offered_features(), device_feature_select_) : 0;
    case 2: return driver_feature_select_;
    case 3: return driver_feature_select_ < 2 ? half(driver_features_, driver_feature_select_) : 0;
    case 4: return config_vector_ | std::uint32_t(queues_.size()) << 16;
    case 5: return status_ | std::uint32_t{generation_} << 8 | std::uint32_t{queue_select_} << 16;
    case 6: return queue ? queue->ring.size() | std::uint32_t{queue->vector} << 16 : std::uint32_t{no_vector} << 16;
    case 7: return queue ? queue->ring.enabled() | std::uint32_t{queue_select_} << 16 : 0;
    case 8: case 9: return queue ? half(queue->ring.descriptors, index & 1) : 0;
    case 10: case 11: return queue ? half(queue->ring.available, index & 1) : 0;
    case 12: case 13: return queue ? half(queue->ring.used, index & 1) : 0;
    default: return 0;
  }
}

std::uint16_t VirtioPci::valid_vector(std::uint32_t value) const {
  return value < msix_.vectors() ? static_cast<std::uint16_t>(value) : no_vector;
}

void VirtioPci::write_common(unsigned offset, unsigned width, std::uint32_t value) {
  const auto is = [=](unsigned start, unsigned size) { return offset == start && width == size; };
  if (is(0x00, 4)) {
    device_feature_select_ = value;
  } else if (is(0x08, 4)) {
    driver_feature_select_ = value;
  } else if (is(0x0c, 4)) {
    if (!(status_ & status_features_ok) && driver_feature_select_ < 2) {
      set_half(driver_features_, driver_feature_select_, value);
    }
  } else if (is(0x10, 2)) {
    config_vector_ = valid_vector(value);
  } else if (is(0x14, 1)) {
    set_status(static_cast<std::uint8_t>(value));
  } else if (is(0x16, 2)) {
    queue_select_ = static_cast<std::uint16_t>(value);
  } else if (Queue* queue = selected_queue()) {
    write_queue(offset, width, value, *queue);
  }
}

void VirtioPci::write_queue(unsigned offset, unsigned width, std::uint32_t value, Queue& queue) {
  if (offset == 0x1a && width == 2) {
    queue.vector = valid_vector(value);
    return;
  }
  if (queue.ring.enabled()) return;
  if (offset == 0x18 && width == 2) {
    queue.ring.set_size(static_cast<std::uint16_t>(value));
  } else if (offset == 0x1c && width == 2) {
    if (value == 1 && !queue.ring.enable()) broken();
  } else if (width == 4 && offset >= 0x20 && offset < common_bytes && offset % 4 == 0) {
    Gpa& address = offset < 0x28 ? queue.ring.descriptors : offset < 0x30 ? queue.ring.available : queue.ring.used;
    set_half(address, (offset >> 2) & 1, value);
  }
}

void VirtioPci::set_status(std::uint8_t value) {
  if (value == 0) {
    device_reset();
    device_.reset();
    return;
  }
  std::uint8_t added = value & status_driver_bits & static_cast<std::uint8_t>(~status_);
  const bool acceptable = !(driver_features_ & ~offered_features()) && negotiated(feature_version_1);
  if (!acceptable) added &= static_cast<std::uint8_t>(~status_features_ok);
  if (!((status_ | added) & status_features_ok)) added &= static_cast<std::uint8_t>(~status_driver_ok);
  status_ |= added;
  if (added & status_driver_ok) notify_all();
}

void VirtioPci::device_reset() {
  device_feature_select_ = driver_feature_select_ = 0;
  driver_features_ = 0;
  config_vector_ = no_vector;
  queue_select_ = 0;
  status_ = 0;
  isr_ = 0;
  msix_.clear_pending();
  for (Queue& queue : queues_) {
    queue.ring.reset();
    queue.vector = no_vector;
  }
  update_line();
}

bool VirtioPci::running() const {
  return (status_ & (status_driver_ok | status_needs_reset)) == status_driver_ok && bus_master();
}

void VirtioPci::notify(unsigned queue) {
  if (running() && queue < queues_.size() && queues_[queue].ring.enabled()) device_.notified(queue);
}

void VirtioPci::notify_all() {
  for (unsigned i = 0; i < queues_.size(); ++i) notify(i);
}

bool VirtioPci::take(unsigned queue, DescriptorChain& chain) {
  if (!running() || !queues_[queue].ring.enabled()) return false;
  const Virtqueue::Found found = queues_[queue].ring.take(chain, negotiated(feature_indirect));
  if (found == Virtqueue::Found::broken) broken();
  return found == Virtqueue::Found::chain;
}

bool VirtioPci::walk(unsigned queue, std::uint16_t head, DescriptorChain& chain) {
  if (!running() || !queues_[queue].ring.enabled()) return false;
  if (queues_[queue].ring.walk(head, chain, negotiated(feature_indirect))) return true;
  broken();
  return false;
}

bool VirtioPci::read(const DescriptorChain& chain, std::uint64_t offset, MutableBytes out) {
  if (chain.read(memory_, offset, out)) return true;
  broken();
  return false;
}

bool VirtioPci::write(const DescriptorChain& chain, std::uint64_t offset, Bytes in) {
  if (chain.write(memory_, offset, in)) return true;
  broken();
  return false;
}

bool VirtioPci::complete(unsigned queue, std::uint16_t head, std::uint64_t written) {
  if (queues_[queue].ring.put_used(head, static_cast<std::uint32_t>(written))) return true;
  broken();
  return false;
}

void VirtioPci::interrupt(unsigned queue) {
  if (queues_[queue].ring.wants_interrupt()) signal(queues_[queue].vector, isr_queue);
}

void VirtioPci::config_changed() {
  ++generation_;
  if (status_ & status_driver_ok) signal(config_vector_, isr_config);
}

void VirtioPci::broken() {
  if (status_ & status_needs_reset) return;
  ++broken_count_;
  status_ |= status_needs_reset;
  if (status_ & status_driver_ok) signal(config_vector_, isr_config);
}

void VirtioPci::signal(std::uint16_t vector, std::uint8_t isr_bit) {
  if (msix_enabled()) {
    msix_.raise(vector);
  } else {
    isr_ |= isr_bit;
    update_line();
  }
}

}  // namespace lockstitch
