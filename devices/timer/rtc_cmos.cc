// See rtc_cmos.h.
#include "devices/timer/rtc_cmos.h"

#include <algorithm>

#include "devices/timer/frequency.h"

namespace lockstitch {
namespace {
constexpr std::uint8_t register_a = 0x0a, register_b = 0x0b, register_c = 0x0c, register_d = 0x0d;
constexpr std::uint8_t a_updating = 0x80;
constexpr std::uint8_t b_set = 0x80, b_update_interrupt = 0x10, b_square_wave = 0x08, b_binary = 0x04,
                       b_24_hours = 0x02;
constexpr std::uint8_t interrupt_bits = 0x70;  // periodic, alarm, update: same places in B and C
constexpr std::uint8_t c_request = 0x80, c_periodic = 0x40, c_alarm = 0x20, c_update = 0x10;
constexpr std::uint8_t d_valid = 0x80;
constexpr std::uint8_t dont_care = 0xc0;
constexpr std::uint64_t update_notice_ns = 244'000;
constexpr std::uint64_t first_update_ns = 500'000'000;  // after the divider is let go
constexpr std::uint64_t seconds_per_day = 86'400;
}  // namespace

RtcCmos::RtcCmos(std::string name, IrqLine& irq8, ClockPort& clock, std::uint64_t start_seconds)
    : name_(std::move(name)), irq8_(irq8), clock_(clock), base_seconds_(start_seconds) {}

void RtcCmos::set_memory(std::uint8_t index, std::uint8_t value) { memory_[index & 0x7f] = value; }

void RtcCmos::reset() {
  settle();
  control_b_ &= static_cast<std::uint8_t>(~(interrupt_bits | b_square_wave));
  flags_ = 0;
  index_ = 0;
  update();
}

void RtcCmos::visit(StateVisitor& v) {
  v.field("index", index_);
  v.field("control_a", control_a_);
  v.field("control_b", control_b_);
  v.field("flags", flags_);
  v.field("chain_start_ns", chain_start_ns_);
  v.field("base_seconds", base_seconds_);
  v.field("weekday_shift", weekday_shift_);
  v.field("frozen", frozen_);
  v.field("settled_ns", settled_ns_);
  v.field("alarm_time", alarm_time_);
  v.field("memory", memory_);
}

bool RtcCmos::running() const { return !(control_b_ & b_set) && !divider_held(); }
std::uint64_t RtcCmos::chain_ns() const { return clock_.now().value - chain_start_ns_; }
std::uint64_t RtcCmos::seconds_now() const { return base_seconds_ + chain_ns() / ns_per_second; }

std::uint64_t RtcCmos::periodic_cycles() const {
  const unsigned rate = control_a_ & 15;
  if (rate == 0 || divider_held()) return 0;
  return std::uint64_t{1} << (rate <= 2 ? rate + 6 : rate - 1);  // of 32 768 Hz
}

std::uint64_t RtcCmos::periods_at(std::uint64_t ns) const {
  const std::uint64_t cycles = periodic_cycles();
  return cycles == 0 ? 0 : cycles_at(ns, rtc_hz) / cycles;
}

// Dates.

std::uint8_t RtcCmos::to_register(std::uint32_t value) const {
  if (control_b_ & b_binary) return static_cast<std::uint8_t>(value);
  return static_cast<std::uint8_t>(value / 10 % 10 << 4 | value % 10);
}

std::uint32_t RtcCmos::from_register(std::uint8_t value) const {
  return control_b_ & b_binary ? value : (value >> 4) * 10u + (value & 15u);
}

std::uint8_t RtcCmos::hour_to_register(std::uint32_t value) const {
  if (control_b_ & b_24_hours) return to_register(value);
  const std::uint32_t twelve = value % 12 == 0 ? 12 : value % 12;
  return static_cast<std::uint8_t>(to_register(twelve) | (value >= 12 ? 0x80 : 0));
}

std::uint32_t RtcCmos::hour_from_register(std::uint8_t value) const {
  if (control_b_ & b_24_hours) return from_register(value);
  return from_register(value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

RtcCmos::Date RtcCmos::date_of(std::uint64_t seconds) const {
  const CalendarTime t = calendar_of(seconds);
  const auto day_number = static_cast<std::uint32_t>(seconds / seconds_per_day + 4 + weekday_shift_);
  Date date;
  date[second] = to_register(t.second);
  date[minute] = to_register(t.minute);
  date[hour] = hour_to_register(t.hour);
  date[weekday] = to_register(day_number % 7 + 1);
  date[day] = to_register(t.day);
  date[month] = to_register(t.month);
  date[year] = to_register(t.year % 100);
  date[century] = to_register(t.year / 100);
  return date;
}

/// Registers to seconds. Impossible values are brought into range: a clock always shows some date.
void RtcCmos::set_date(const Date& date) {
  CalendarTime t;
  t.second = std::min(from_register(date[second]), 59u);
  t.minute = std::min(from_register(date[minute]), 59u);
  t.hour = std::min(hour_from_register(date[hour]), 23u);
  t.day = std::clamp(from_register(date[day]), 1u, 31u);
  t.month = std::clamp(from_register(date[month]), 1u, 12u);
  t.year = std::clamp(from_register(date[century]) % 100 * 100 + from_register(date[year]) % 100, 1970u, 9999u);
  const std::uint64_t seconds = seconds_of(t);
  base_seconds_ = seconds - chain_ns() / ns_per_second;
  const std::uint64_t unshifted = (seconds / seconds_per_day + 4) % 7;
  weekday_shift_ = static_cast<std::uint8_t>((from_register(date[weekday]) + 13 - unshifted) % 7);
}

bool RtcCmos::matches_alarm(std::uint64_t seconds) const {
  const Date date = date_of(seconds);
  for (unsigned field : {second, minute, hour})
    if (alarm_time_[field] < dont_care && alarm_time_[field] != date[field]) return false;
  return true;
}

// Events.

void RtcCmos::settle() {
  const std::uint64_t from = settled_ns_ - chain_start_ns_, to = chain_ns();
  settled_ns_ = clock_.now().value;
  if (periods_at(to) != periods_at(from)) flags_ |= c_periodic;
  if (!running() || to / ns_per_second == from / ns_per_second) return;
  flags_ |= c_update;
  // Any alarm time comes up within a day.
  const std::uint64_t last = to / ns_per_second;
  const std::uint64_t first = std::max(from / ns_per_second + 1, last - std::min(last, seconds_per_day - 1));
  for (std::uint64_t s = first; s <= last && !(flags_ & c_alarm); ++s)
    if (matches_alarm(base_seconds_ + s)) flags_ |= c_alarm;
}

void RtcCmos::update() {
  const bool request = (flags_ & control_b_ & interrupt_bits) != 0;
  irq8_.set(request);
  // A flag that is up hides further events until the guest reads it.
  const auto wanted = static_cast<std::uint8_t>(control_b_ & ~flags_);
  VirtualNs next = ns_never;
  const std::uint64_t chain = settled_ns_ - chain_start_ns_;
  if ((wanted & c_periodic) && periodic_cycles() != 0) {
    const std::uint64_t cycle = (periods_at(chain) + 1) * periodic_cycles();
    next = {chain_start_ns_ + time_of_cycle(cycle, rtc_hz).value};
  }
  if ((wanted & (c_alarm | c_update)) && running())
    next = std::min(next, VirtualNs{chain_start_ns_ + (chain / ns_per_second + 1) * ns_per_second});
  if (next == ns_never) {
    next_event_->cancel();
  } else {
    next_event_->set(next);
  }
}

void RtcCmos::alarm() {
  settle();
  update();
}

/// Changes registers A and B; on the way the date stops or goes on.
void RtcCmos::change_mode(std::uint8_t a, std::uint8_t b) {
  const bool was_running = running(), was_held = divider_held();
  const Date shown = was_running ? date_of(seconds_now()) : frozen_;
  control_a_ = a;
  control_b_ = b;
  if (was_held && !divider_held()) chain_start_ns_ = clock_.now().value - (ns_per_second - first_update_ns);
  if (was_running && !running()) frozen_ = shown;
  if (!was_running && running()) set_date(frozen_);
}

// Registers.

bool RtcCmos::is_date(std::uint8_t index, unsigned& field) {
  switch (index) {
    case 0:
    case 2:
    case 4:
      field = index / 2;
      return true;
    case 6:
    case 7:
    case 8:
    case 9:
      field = index - 3u;
      return true;
    case 0x32:
    case 0x37:
      field = century;
      return true;
    default:
      return false;
  }
}

std::uint8_t RtcCmos::read_register(std::uint8_t index) {
  unsigned field;
  if (is_date(index, field)) return running() ? date_of(seconds_now())[field] : frozen_[field];
  switch (index) {
    case 1:
    case 3:
    case 5:
      return alarm_time_[index / 2];
    case register_a: {
      const bool updating = running() && chain_ns() % ns_per_second >= ns_per_second - update_notice_ns;
      return static_cast<std::uint8_t>(control_a_ | (updating ? a_updating : 0));
    }
    case register_b:
      return control_b_;
    case register_c: {
      settle();
      const bool request = (flags_ & control_b_ & interrupt_bits) != 0;
      const auto value = static_cast<std::uint8_t>(flags_ | (request ? c_request : 0));
      flags_ = 0;
      update();
      return value;
    }
    case register_d:
      return d_valid;
    default:
      return memory_[index & 0x7f];
  }
}

void RtcCmos::write_register(std::uint8_t index, std::uint8_t value) {
  settle();
  unsigned field;
  if (is_date(index, field)) {
    if (running()) {
      Date date = date_of(seconds_now());
      date[field] = value;
      set_date(date);
    } else {
      frozen_[field] = value;
    }
    return;
  }
  switch (index) {
    case 1:
    case 3:
    case 5:
      alarm_time_[index / 2] = value;
      break;
    case register_a:
      change_mode(value & 0x7f, control_b_);
      break;
    case register_b:
      if (value & b_set) value &= static_cast<std::uint8_t>(~b_update_interrupt);
      change_mode(control_a_, value);
      break;
    case register_c:
    case register_d:
      return;
    default:
      memory_[index & 0x7f] = value;
      return;
  }
  update();
}

std::uint8_t RtcCmos::read_byte(std::uint64_t offset) {
  return offset & 1 ? read_register(index_) : 0xff;  // the index cannot be read back
}

void RtcCmos::write_byte(std::uint64_t offset, std::uint8_t value) {
  if (offset & 1) {
    write_register(index_, value);
  } else {
    index_ = value & 0x7f;
  }
}

}  // namespace lockstitch
