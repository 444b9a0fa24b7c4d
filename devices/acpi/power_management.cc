// See power_management.h.
#include "devices/acpi/power_management.h"

#include "devices/timer/frequency.h"

namespace lockstitch {
namespace {
constexpr std::uint16_t timer_bit = 1 << 0, power_button_bit = 1 << 8, wake_bit = 1 << 15;
constexpr std::uint16_t enable_bits = 0x0721;
constexpr std::uint16_t sci_bits = 0x0521;
constexpr std::uint16_t control_bits = 0x1c03;  // SCI_EN, BM_RLD, SLP_TYP
constexpr std::uint16_t sci_enable = 1;
constexpr std::uint8_t sleep_enable_high = 0x20, sleep_type_high = 0x1c;
constexpr std::uint8_t acpi_enable = 0xf1, acpi_disable = 0xf0;
constexpr unsigned toggle_shift = 23;

/// `word` with its byte number `index` replaced.
std::uint16_t with_byte(std::uint16_t word, unsigned index, std::uint8_t value) {
  return static_cast<std::uint16_t>((word & ~(0xff << (8 * index))) | (value << (8 * index)));
}
}  // namespace

PowerManagement::PowerManagement(std::string name, IrqLine& sci, PowerPort& power, ClockPort& clock)
    : name_(std::move(name)), sci_(sci), power_(power), clock_(clock) {}

void PowerManagement::attach(AlarmPort& timer) { timer_ = &timer; }

void PowerManagement::reset() {
  status_ = enable_ = control_ = 0;
  seen_toggles_ = timer_toggles();
  stored_.fill(0);
  apm_.fill(0);
  gpe_enable_.fill(0);
  update();
}

void PowerManagement::visit(StateVisitor& v) {
  v.field("status", status_);
  v.field("enable", enable_);
  v.field("control", control_);
  v.field("seen_toggles", seen_toggles_);
  v.field("stored", stored_);
  v.field("apm", apm_);
  v.field("gpe_enable", gpe_enable_);
}

std::uint64_t PowerManagement::timer_toggles() const {
  return cycles_at(clock_.now().value, pm_timer_hz) >> toggle_shift;
}

void PowerManagement::settle() {
  const std::uint64_t toggles = timer_toggles();
  if (toggles != seen_toggles_) status_ |= timer_bit;
  seen_toggles_ = toggles;
}

void PowerManagement::update() {
  sci_.set((status_ & enable_ & sci_bits) != 0);
  if ((enable_ & timer_bit) && !(status_ & timer_bit)) {
    timer_->set(time_of_cycle((seen_toggles_ + 1) << toggle_shift, pm_timer_hz));
  } else {
    timer_->cancel();
  }
}

void PowerManagement::alarm() {
  settle();
  update();
}

void PowerManagement::press_power_button() {
  settle();
  status_ |= power_button_bit;
  update();
}

std::uint8_t PowerManagement::read_pm(std::uint64_t offset) {
  const unsigned shift = 8 * (offset & 1);
  switch (offset) {
    case 0:
    case 1:
      settle();
      update();
      return static_cast<std::uint8_t>(status_ >> shift);
    case 2:
    case 3:
      return static_cast<std::uint8_t>(enable_ >> shift);
    case 4:
    case 5:
      return static_cast<std::uint8_t>(control_ >> shift);
    case 8:
    case 9:
    case 10:
      return static_cast<std::uint8_t>(cycles_at(clock_.now().value, pm_timer_hz) >> (8 * (offset - 8)));
    default:
      return stored_[offset % stored_.size()];
  }
}

void PowerManagement::write_pm(std::uint64_t offset, std::uint8_t value) {
  const unsigned index = offset & 1;
  switch (offset) {
    case 0:
    case 1:
      settle();
      status_ &= static_cast<std::uint16_t>(~(value << (8 * index)));
      break;
    case 2:
    case 3:
      settle();
      enable_ = with_byte(enable_, index, value) & enable_bits;
      break;
    case 5:
      if (value & sleep_enable_high) {
        if (value & sleep_type_high) {
          status_ |= wake_bit;
        } else {
          power_.power_off();
        }
      }
      [[fallthrough]];
    case 4:
      control_ = with_byte(control_, index, value) & control_bits;
      break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
      return;
    default:
      stored_[offset % stored_.size()] = value;
      return;
  }
  update();
}

void PowerManagement::write_apm(std::uint64_t offset, std::uint8_t value) {
  apm_[offset & 1] = value;
  if (offset != 0) return;
  // What a system management handler would do.
  if (value == acpi_enable) control_ |= sci_enable;
  if (value == acpi_disable) control_ &= static_cast<std::uint16_t>(~sci_enable);
}

void PowerManagement::write_gpe(std::uint64_t offset, std::uint8_t value) {
  if (offset >= 2) gpe_enable_[offset & 1] = value;
}

}  // namespace lockstitch
