// See e1000_phy.h.
#include "devices/net/e1000_phy.h"

namespace lockstitch {
namespace {
enum Index : unsigned {
  control = 0,
  status = 1,
  id_high = 2,
  id_low = 3,
  advertised = 4,
  partner = 5,
  expansion = 6,
  control_1000 = 9,
  status_1000 = 10,
  extended_status = 15,
  specific_control = 16,
  specific_status = 17,
  interrupt_enable = 18,
  interrupt_status = 19,
  extended_control = 20,
  receive_errors = 21,
};
constexpr std::uint16_t control_reset = 1u << 15, control_loopback = 1u << 14, control_speed_low = 1u << 13,
                        control_negotiate = 1u << 12, control_power_down = 1u << 11, control_restart = 1u << 9,
                        control_full_duplex = 1u << 8, control_speed_high = 1u << 6;
constexpr std::uint16_t status_fixed = 0x7949;  // 10/100 in both duplexes, can negotiate, has registers 15 and up
constexpr std::uint16_t status_negotiated = 1u << 5, status_link = 1u << 2;
constexpr std::uint16_t interrupt_link = 1u << 10, interrupt_negotiated = 1u << 11;

constexpr bool read_only(unsigned index) {
  switch (index) {
    case status:
    case id_high:
    case id_low:
    case partner:
    case expansion:
    case status_1000:
    case extended_status:
    case specific_status:
    case interrupt_status:
    case receive_errors:
      return true;
    default:
      return false;
  }
}
}  // namespace

std::array<std::uint16_t, 32> E1000Phy::power_on() {
  std::array<std::uint16_t, 32> values{};
  values[control] = control_negotiate | control_full_duplex | control_speed_high;
  values[id_high] = 0x0141;
  values[id_low] = 0x0c20;
  values[advertised] = 0x0de1;
  values[control_1000] = 0x0e00;
  values[extended_status] = 0x3000;
  values[specific_control] = 0x0360;
  values[extended_control] = 0x0d60;
  return values;
}

void E1000Phy::reset() {
  registers_ = power_on();
  link_ = true;
  link_was_down_ = false;
  negotiated_ns_ = ns_never;
}

void E1000Phy::hardware_reset(VirtualNs now) {
  registers_ = power_on();
  negotiate(now);
}

void E1000Phy::visit(StateVisitor& v) {
  v.field("registers", registers_);
  v.field("link", link_);
  v.field("link_was_down", link_was_down_);
  v.field("negotiated_ns", negotiated_ns_);
}

bool E1000Phy::loopback() const { return registers_[control] & control_loopback; }

E1000Phy::Mode E1000Phy::mode() const {
  const std::uint16_t c = registers_[control];
  if (!(c & control_negotiate)) {
    const bool full = c & control_full_duplex;
    if (c & control_speed_high) return {2, full};
    return {c & control_speed_low ? 1u : 0u, full};
  }
  const std::uint16_t fast = registers_[control_1000], slow = registers_[advertised];
  if (fast & 0x300) return {2, (fast & 0x200) != 0};
  if (slow & 0x180) return {1, (slow & 0x100) != 0};
  return {0, (slow & 0x040) != 0};
}

void E1000Phy::set_link(bool up) {
  if (link_ == up) return;
  link_ = up;
  link_was_down_ |= !up;
  registers_[interrupt_status] |= interrupt_link;
}

void E1000Phy::negotiate(VirtualNs now) {
  const std::uint16_t c = registers_[control];
  if (c & control_power_down) {
    negotiated_ns_ = ns_never;
    set_link(false);
  } else if (c & control_negotiate) {
    negotiated_ns_ = now + negotiation_ns;
    set_link(false);
  } else {
    negotiated_ns_ = ns_never;
    set_link(true);
  }
}

void E1000Phy::finish_negotiation() {
  negotiated_ns_ = ns_never;
  registers_[interrupt_status] |= interrupt_negotiated;
  set_link(true);
}

std::uint16_t E1000Phy::read(unsigned index) {
  const bool done = link_ && (registers_[control] & control_negotiate);
  switch (index) {
    case status: {
      const bool shown = link_ && !link_was_down_;
      link_was_down_ = !link_;
      return static_cast<std::uint16_t>(status_fixed | (done ? status_negotiated : 0) | (shown ? status_link : 0));
    }
    case partner:
      return done ? 0x41e0 : 0;
    case expansion:
      return done ? 0x0005 : 0x0004;
    case status_1000:
      return done ? 0x3c00 : 0;
    case specific_status: {
      if (!link_) return 0;
      const Mode m = mode();
      return static_cast<std::uint16_t>(m.speed << 14 | (m.full_duplex ? 0x2000 : 0) | 0x0c00);
    }
    case interrupt_status: {
      const std::uint16_t value = registers_[interrupt_status];
      registers_[interrupt_status] = 0;
      return value;
    }
    default:
      return registers_[index & 31];
  }
}

void E1000Phy::write(unsigned index, std::uint16_t value, VirtualNs now) {
  index &= 31;
  if (read_only(index)) return;
  if (index != control) {
    registers_[index] = value;
    return;
  }
  const std::uint16_t before = registers_[control];
  registers_[control] = static_cast<std::uint16_t>(value & ~(control_reset | control_restart | 0x3f));
  // A soft reset keeps what the driver has set: that is when new settings take effect.
  constexpr std::uint16_t mode_bits = control_negotiate | control_power_down;
  if ((value & (control_reset | control_restart)) || ((before ^ value) & mode_bits)) negotiate(now);
}

}  // namespace lockstitch
