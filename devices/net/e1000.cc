// See e1000.h.
#include "devices/net/e1000.h"

namespace lockstitch {
namespace {
using namespace e1000;

constexpr std::uint32_t status_base = 0x8008'0400, status_fd = 1, status_link = 2;
constexpr std::uint32_t power_on_control = 0x0014'0241, power_on_led = 0x0706'8302, power_on_buffer = 0x0010'0030;
constexpr unsigned buffer_kib = 64;

constexpr std::uint32_t mdic_write = 1, mdic_read = 2, mdic_ready = 1u << 28, mdic_interrupt = 1u << 29,
                        mdic_error = 1u << 30;
constexpr unsigned phy_address = 1;

constexpr std::uint32_t io_data = 4;

/// The 82542's places of registers that later cards moved: they answer at both.
constexpr std::uint32_t canonical(std::uint32_t at) {
  switch (at) {
    case 0x0108:
      return rdtr;
    case 0x0110:
      return rdbal;
    case 0x0114:
      return rdbah;
    case 0x0118:
      return rdlen;
    case 0x0120:
      return rdh;
    case 0x0128:
      return rdt;
    case 0x0160:
      return fcrth;
    case 0x0168:
      return fcrtl;
    case 0x0420:
      return tdbal;
    case 0x0424:
      return tdbah;
    case 0x0428:
      return tdlen;
    case 0x0430:
      return tdh;
    case 0x0438:
      return tdt;
    case 0x0440:
      return tidv;
    default:
      break;
  }
  if (at >= 0x0040 && at < 0x00c0) return ra + (at - 0x0040);
  if (at >= 0x0200 && at < 0x0400) return mta + (at - 0x0200);
  if (at >= 0x0600 && at < 0x0800) return vfta + (at - 0x0600);
  return at;
}

/// The bits of a stored register that exist.
constexpr std::uint32_t writable(std::uint32_t at) {
  switch (at) {
    case rdbal:
    case tdbal:
      return 0xffff'fff0;
    case rdlen:
    case tdlen:
      return 0x000f'ff80;
    case rdh:
    case rdt:
    case tdh:
    case tdt:
    case rdtr:
    case radv:
    case tidv:
    case tadv:
    case itr:
    case fct:
    case vet:
    case fcttv:
      return 0xffff;
    case rsrpd:
      return 0x0fff;
    case fcah:
      return 0xffff;
    case fcrth:
      return 0xfff8;
    case fcrtl:
      return 0x8000'fff8;
    case tipg:
      return 0x3fff'ffff;
    case txcw:
      return 0xc000'ffff;
    default:
      break;
  }
  if (at >= ra && at < ra_end && (at & 4)) return 0x8003'ffff;
  return ~0u;
}

/// Statistics that take two registers; the upper one is read last.
constexpr bool upper_of_pair(std::uint32_t at) {
  return at == gorc + 4 || at == gotc + 4 || at == tor + 4 || at == tot + 4;
}
constexpr bool lower_of_pair(std::uint32_t at) { return upper_of_pair(at + 4); }
}  // namespace

E1000::E1000(std::string name, const std::array<std::uint8_t, 6>& mac, GuestMemory& memory, ClockPort& clock,
             IrqLine& pin, EffectPort& wire)
    : PciFunction(std::move(name),
                  {.vendor = 0x8086, .device = 0x100e, .revision = 3, .class_code = 0x02'00'00, .interrupt_pin = 1}),
      mac_(mac),
      clock_(clock),
      pin_(pin),
      wire_(*this, wire),
      eeprom_(mac),
      transmitter_(registers_, memory, wire_),
      receiver_(registers_, memory) {
  add_bar(register_bar, BarKind::memory32, register_bytes);
  add_bar(io_bar, BarKind::io, io_bytes);
  reset_mac();
}

void E1000::attach(AlarmPort& alarm, MapPort& registers, MapPort& io) {
  alarm_ = &alarm;
  attach_bar(register_bar, registers);
  attach_bar(io_bar, io);
}

void E1000::reset() {
  PciFunction::reset();
  phy_.reset();
  reset_mac();
  transmitter_.reset();
  receiver_.reset();
  io_address_ = 0;
  pin_.set(false);
  planned_ns_ = ns_never;
  alarm_->cancel();
}

/// The card but for its transceiver, as CTRL.RST leaves it.
void E1000::reset_mac() {
  eeprom_.reset();
  transmitter_.stop();
  receiver_.stop();
  registers_.clear();
  registers_.set(ctrl, power_on_control);
  registers_.set(ledctl, power_on_led);
  registers_.set(pba, power_on_buffer);
  registers_.set(vet, 0x8100);
  load_address();
  causes_ = enabled_causes_ = 0;
  asserted_ = false;
  quiet_until_ns_ = {0};
  interrupt_ns_ = ns_never;
}

void E1000::load_address() {
  for (std::uint32_t at = ra; at < ra_end; at += 4) registers_.set(at, 0);
  registers_.set(ra, std::uint32_t{mac_[0]} | std::uint32_t{mac_[1]} << 8 | std::uint32_t{mac_[2]} << 16 |
                         std::uint32_t{mac_[3]} << 24);
  registers_.set(ra + 4, std::uint32_t{mac_[4]} | std::uint32_t{mac_[5]} << 8 | address_valid);
}

void E1000::visit(StateVisitor& v) {
  PciFunction::visit(v);
  registers_.visit(v);
  v.field("causes", causes_);
  v.field("enabled_causes", enabled_causes_);
  v.field("asserted", asserted_);
  v.field("quiet_until_ns", quiet_until_ns_);
  v.field("interrupt_ns", interrupt_ns_);
  v.field("planned_ns", planned_ns_);
  v.field("io_address", io_address_);
  {
    Section section(v, "eeprom");
    eeprom_.visit(v);
  }
  {
    Section section(v, "phy");
    phy_.visit(v);
  }
  {
    Section section(v, "transmitter");
    transmitter_.visit(v);
  }
  Section section(v, "receiver");
  receiver_.visit(v);
}

void E1000::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  PciFunction::write_config(offset, width, value);
  serve_rings();
  settle();
}

void E1000::arrive(Bytes frame) {
  raise(receiver_.arrive(frame, clock_.now(), ready()));
  settle();
}

void E1000::alarm() {
  planned_ns_ = ns_never;
  const VirtualNs now = clock_.now();
  if (phy_.deadline() <= now) {
    const bool before = phy_.link();
    phy_.finish_negotiation();
    link_changed(before);
    serve_rings();
  }
  if (transmitter_.deadline() <= now) raise(transmitter_.alarm(now, ready(), phy_.mode().speed));
  if (receiver_.deadline() <= now) raise(receiver_.alarm(now));
  settle();
}

void E1000::Wire::emit(Bytes frame) {
  if (owner_.loopback()) {
    owner_.raise(owner_.receiver_.arrive(frame, owner_.clock_.now(), owner_.ready()));
  } else {
    beyond_.emit(frame);
  }
}

void E1000::serve_rings() {
  const VirtualNs now = clock_.now();
  raise(receiver_.refill(now, ready()));
  transmitter_.kick(now, ready());
}

void E1000::settle() {
  drive_pin();
  plan();
}

// The signalled interrupt and the gap after it:
//   idle ── enabled cause ──► asserted ── no enabled cause left ──► quiet ── gap over ──► idle
//                                                quiet ── enabled cause ──► waiting ── gap over ──► asserted
void E1000::drive_pin() {
  const VirtualNs now = clock_.now();
  interrupt_ns_ = ns_never;
  if (!(causes_ & enabled_causes_)) {
    asserted_ = false;
  } else if (!asserted_) {
    if (now >= quiet_until_ns_) {
      asserted_ = true;
      quiet_until_ns_ = now + std::max(interrupt_gap_ns, (registers_.get(itr) & 0xffff) * throttle_step_ns);
    } else {
      interrupt_ns_ = quiet_until_ns_;
    }
  }
  pin_.set(asserted_ && !intx_disabled());
}

void E1000::plan() {
  const VirtualNs next =
      std::min(std::min(phy_.deadline(), interrupt_ns_), std::min(transmitter_.deadline(), receiver_.deadline()));
  if (next == planned_ns_) return;
  planned_ns_ = next;
  if (next == ns_never) {
    alarm_->cancel();
  } else {
    alarm_->set(next);
  }
}

void E1000::link_changed(bool before) {
  if (phy_.link() != before) raise(cause_lsc);
}

std::uint32_t E1000::status() const {
  const std::uint32_t control = registers_.get(ctrl);
  const E1000Phy::Mode mode = phy_.mode();
  std::uint32_t value = status_base | mode.speed << 6;
  if (control & ctrl_frcspd) value = status_base | (control >> 8 & 3) << 6;
  value |= (mode.speed == 2 ? 3u : mode.speed) << 8;
  if (control & ctrl_frcdpx ? control & ctrl_fd : mode.full_duplex) value |= status_fd;
  if (phy_.link()) value |= status_link;
  return value;
}

void E1000::write_control(std::uint32_t value) {
  const std::uint32_t before = registers_.get(ctrl);
  if (value & ~before & ctrl_phy_rst) {
    const bool link = phy_.link();
    phy_.hardware_reset(clock_.now());
    link_changed(link);
  }
  if (value & ctrl_rst) {
    reset_mac();
  } else {
    registers_.set(ctrl, value);
  }
}

void E1000::write_management(std::uint32_t value) {
  const std::uint32_t operation = value >> 26 & 3;
  const unsigned index = value >> 16 & 31;
  std::uint32_t answer = (value & ~(mdic_ready | mdic_error)) | mdic_ready;
  if ((value >> 21 & 31) != phy_address || (operation != mdic_read && operation != mdic_write)) {
    answer |= mdic_error;
  } else if (operation == mdic_read) {
    answer = (answer & 0xffff'0000) | phy_.read(index);
  } else {
    const bool link = phy_.link();
    phy_.write(index, static_cast<std::uint16_t>(value), clock_.now());
    link_changed(link);
  }
  registers_.set(mdic, answer);
  if (value & mdic_interrupt) raise(cause_mdac);
}

std::uint32_t E1000::read_statistics(std::uint32_t at) {
  const std::uint32_t value = registers_.get(at);
  if (!lower_of_pair(at)) registers_.set(at, 0);
  if (upper_of_pair(at)) registers_.set(at - 4, 0);
  return value;
}

std::uint32_t E1000::read_register(std::uint32_t at) {
  at = canonical(at);
  if (at >= register_end) return 0;
  if (at >= statistics && at < statistics_end) return read_statistics(at);
  switch (at) {
    case e1000::status:
      return status();
    case eecd:
      return eeprom_.read_eecd();
    case eerd:
      return eeprom_.read_eerd();
    case icr: {
      const std::uint32_t value = causes_;
      causes_ = 0;
      settle();
      return value;
    }
    case ics:
      return causes_;
    case ims:
      return enabled_causes_;
    case imc:
      return 0;
    default:
      return registers_.get(at);
  }
}

void E1000::write_register(std::uint32_t at, std::uint32_t value) {
  at = canonical(at);
  if (at >= register_end || (at >= statistics && at < statistics_end)) return;
  switch (at) {
    case ctrl:
      write_control(value);
      break;
    case e1000::status:
      return;
    case eecd:
      return eeprom_.write_eecd(value);
    case eerd:
      return eeprom_.write_eerd(value);
    case ctrl_ext:
      registers_.set(at, value & ~ctrl_ext_ee_rst);
      if (value & ctrl_ext_ee_rst) load_address();
      return;
    case mdic:
      write_management(value);
      break;
    case icr:
      causes_ &= ~value;
      return settle();
    case ics:
      raise(value);
      return settle();
    case ims:
      enabled_causes_ |= value & cause_all;
      return settle();
    case imc:
      enabled_causes_ &= ~value;
      return settle();
    case rctl:
      if (registers_.any(rctl, rctl_en) && !(value & rctl_en)) receiver_.stop();
      registers_.set(at, value);
      break;
    case tctl:
      if (registers_.any(tctl, tctl_en) && !(value & tctl_en)) transmitter_.stop();
      registers_.set(at, value);
      break;
    case pba: {
      const std::uint32_t receive = std::min(value & 0xffff, std::uint32_t{buffer_kib});
      registers_.set(at, (buffer_kib - receive) << 16 | receive);
      return;
    }
    case rdtr:
      registers_.set(at, value & writable(at));
      if (value & flush_delay) raise(receiver_.flush_delay());
      break;
    case tidv:
      registers_.set(at, value & writable(at));
      if (value & flush_delay) raise(transmitter_.flush_delay());
      break;
    default:
      registers_.set(at, value & writable(at));
      break;
  }
  serve_rings();
  settle();
}

std::uint64_t E1000::Registers::read(std::uint64_t offset, unsigned width) {
  const auto at = static_cast<std::uint32_t>(offset & ~std::uint64_t{3});
  std::uint64_t value = owner_.read_register(at);
  if ((offset & 3) + width > 4 && at + 4 < register_bytes) value |= std::uint64_t{owner_.read_register(at + 4)} << 32;
  return value >> (8 * (offset & 3));
}

void E1000::Registers::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (width < 4 || offset % 4 != 0) return;
  const auto at = static_cast<std::uint32_t>(offset);
  owner_.write_register(at, static_cast<std::uint32_t>(value));
  if (width == 8) owner_.write_register(at + 4, static_cast<std::uint32_t>(value >> 32));
}

std::uint64_t E1000::Io::read(std::uint64_t offset, unsigned width) {
  const std::uint64_t part = offset & 3;
  std::uint64_t value = 0;
  if (offset < io_data) {
    value = owner_.io_address_;
  } else if (offset < 2 * io_data && part == 0 && width >= 4) {
    value = owner_.io_address_ < register_bytes ? owner_.read_register(owner_.io_address_) : 0;
  }
  return value >> (8 * part);
}

void E1000::Io::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (width < 4) return;
  const auto word = static_cast<std::uint32_t>(value);
  if (offset == 0) {
    owner_.io_address_ = word & 0x000f'fffc;
  } else if (offset == io_data && owner_.io_address_ < register_bytes) {
    owner_.write_register(owner_.io_address_, word);
  }
}

}  // namespace lockstitch
