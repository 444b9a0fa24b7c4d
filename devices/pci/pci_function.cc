// See pci_function.h.
#include "devices/pci/pci_function.h"

#include <bit>

namespace lockstitch {
namespace {
constexpr std::uint8_t kind_bits(BarKind kind) {
  switch (kind) {
    case BarKind::io: return 0x01;
    case BarKind::memory32: return 0x00;
    case BarKind::memory32_prefetchable: return 0x08;
    case BarKind::memory64_prefetchable: return 0x0c;
  }
  return 0;
}

constexpr unsigned command_offset = 0x04, bar_offset = 0x10;
constexpr std::uint8_t decode_io = 1, decode_memory = 2;
constexpr std::uint16_t subsystem_vendor = 0x1af4, subsystem_device = 0x1100;
constexpr std::uint64_t address_end = std::uint64_t{1} << 40;  // the CPU has 40 physical address bits
constexpr std::uint64_t low_end = std::uint64_t{1} << 32;
constexpr std::uint64_t io_end = 0x1'0000;

constexpr std::uint8_t low(unsigned value) { return static_cast<std::uint8_t>(value); }
constexpr std::uint8_t high(unsigned value) { return static_cast<std::uint8_t>(value >> 8); }
}  // namespace

PciFunction::PciFunction(std::string name, const PciIdentity& id) : name_(std::move(name)) {
  set_initial(0x00, {low(id.vendor), high(id.vendor), low(id.device), high(id.device)});
  set_initial(0x06, {low(id.status), high(id.status)});
  set_initial(0x08, {id.revision, low(id.class_code), high(id.class_code), low(id.class_code >> 16)});
  set_initial(0x0e, {id.header_type});
  set_initial(0x2c, {low(subsystem_vendor), high(subsystem_vendor), low(subsystem_device), high(subsystem_device)});
  set_initial(0x3d, {id.interrupt_pin});
  set_writable(command_offset, 1, 0x07);
  set_writable(command_offset + 1, 1, 0x05);
  set_writable(0x0c, 2);  // cache line size, latency timer: stored
  if (id.interrupt_pin != 0) set_writable(0x3c, 1);
}

void PciFunction::set_initial(unsigned offset, std::initializer_list<std::uint8_t> values) {
  for (std::uint8_t value : values) {
    initial_[offset] = value;
    config_[offset++] = value;
  }
}

void PciFunction::set_writable(unsigned offset, unsigned count, std::uint8_t mask) {
  for (unsigned i = 0; i < count; ++i) writable_[offset + i] = mask;
}

void PciFunction::add_bar(unsigned index, BarKind kind, std::uint64_t size) {
  LS_ASSERT(std::has_single_bit(size) && size >= (kind == BarKind::io ? 4u : 16u));
  LS_ASSERT_CMP(index + (kind == BarKind::memory64_prefetchable), <, 6);
  const unsigned offset = bar_offset + 4 * index;
  set_initial(offset, {kind_bits(kind)});
  const unsigned bytes = kind == BarKind::memory64_prefetchable ? 8 : 4;
  for (unsigned i = 0; i < bytes; ++i)
    set_writable(offset + i, 1, low(static_cast<unsigned>((~(size - 1) >> (8 * i)))));
  bars_.push_back({index, kind, size, {}});
}

unsigned PciFunction::add_capability(std::initializer_list<std::uint8_t> body) {
  const unsigned offset = next_capability_;
  LS_ASSERT_CMP(offset + body.size(), <=, config_bytes);
  set_initial(offset, body);
  set_initial(offset + 1, {0});
  set_initial(last_capability_link_, {low(offset)});
  set_initial(0x06, {std::uint8_t(initial_[0x06] | 0x10)});
  last_capability_link_ = offset + 1;
  next_capability_ = (offset + static_cast<unsigned>(body.size()) + 3) & ~3u;
  return offset;
}

void PciFunction::attach_bar(unsigned index, MapPort& port) {
  for (Bar& bar : bars_)
    if (bar.index == index) return bar.window.attach(port);
  LS_ASSERT(!"no such BAR");
}

std::uint32_t PciFunction::config_dword(unsigned offset) const {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{config_[offset + i]} << (8 * i);
  return value;
}

void PciFunction::reset() {
  config_ = initial_;
  update_bars();
}

void PciFunction::visit(StateVisitor& v) {
  v.field("config", config_);
  if (!v.loading()) return;
  for (unsigned i = 0; i < config_bytes; ++i)
    if ((config_[i] ^ initial_[i]) & ~writable_[i]) return v.fail("a read-only bit of PCI configuration space differs");
}

void PciFunction::loaded() {
  for (Bar& bar : bars_) bar.window.adopt(place_of(bar));
}

std::uint32_t PciFunction::read_config(unsigned offset, unsigned width) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= std::uint32_t{config_[offset + i]} << (8 * i);
  return value;
}

void PciFunction::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  for (unsigned i = 0; i < width; ++i) {
    std::uint8_t& byte = config_[offset + i];
    const std::uint8_t mask = writable_[offset + i];
    byte = static_cast<std::uint8_t>((byte & ~mask) | ((value >> (8 * i)) & mask));
  }
  update_bars();
}

std::optional<std::uint64_t> PciFunction::place_of(const Bar& bar) const {
  const bool io = bar.kind == BarKind::io;
  if (!(config_[command_offset] & (io ? decode_io : decode_memory))) return std::nullopt;
  const unsigned offset = bar_offset + 4 * bar.index;
  std::uint64_t base = config_dword(offset);
  if (bar.kind == BarKind::memory64_prefetchable) base |= std::uint64_t{config_dword(offset + 4)} << 32;
  base &= ~(bar.size - 1);
  const std::uint64_t end = base + bar.size;
  // Address 0 means "not assigned"; an end at the top of the space is a guest that sizes the BAR without switching
  // decoding off, which must not move the window over the firmware for a moment.
  if (base == 0 || end < base || end == low_end) return std::nullopt;
  if (end > (io ? io_end : bar.kind == BarKind::memory64_prefetchable ? address_end : low_end)) return std::nullopt;
  return base;
}

void PciFunction::update_bars() {
  // All leave before any arrives: two BARs may change places.
  for (Bar& bar : bars_)
    if (!bar.window.placed_at(place_of(bar))) bar.window.move_to(std::nullopt);
  for (Bar& bar : bars_) bar.window.move_to(place_of(bar));
}

}  // namespace lockstitch
