// See hpet.h.
#include "devices/timer/hpet.h"

#include <algorithm>

#include "devices/timer/frequency.h"

namespace lockstitch {
namespace {
enum Register : std::uint64_t {
  capabilities_register = 0x000,
  config_register = 0x010,
  status_register = 0x020,
  counter_register = 0x0f0,
  first_timer_register = 0x100,
  timer_stride = 0x20,
  comparator_register = 0x08,
};
constexpr std::uint64_t ns_per_count = 10;
constexpr std::uint64_t period_fs = 10'000'000;
/// Intel, legacy replacement, 64 bits, three timers, revision 1.
constexpr std::uint64_t capabilities = period_fs << 32 | 0x8086'a201;

constexpr std::uint64_t config_enable = 1, config_legacy = 2;
constexpr std::uint64_t timer_level = 1 << 1, timer_enable = 1 << 2, timer_periodic = 1 << 3, timer_set_value = 1 << 6,
                        timer_32_bits = 1 << 8;
constexpr unsigned route_shift = 9;
constexpr std::uint64_t route_bits = 31 << route_shift;
constexpr std::uint64_t timer_writable =
    timer_level | timer_enable | timer_periodic | timer_set_value | timer_32_bits | route_bits;
constexpr std::uint64_t timer_capabilities = 1 << 4 /*periodic*/ | 1 << 5 /*64 bits*/;

constexpr unsigned no_wire = 31;
/// A guest may ask for a period of one count. Matches closer than this are merged; the phase is kept.
constexpr std::uint64_t closest_matches = 100;

constexpr std::uint64_t width_mask(std::uint64_t timer_config) {
  return timer_config & timer_32_bits ? 0xffff'ffff : ~std::uint64_t{0};
}
}  // namespace

Hpet::Hpet(std::string name, ClockPort& clock, IrqLine& timer0, IrqLine& timer1,
           std::array<IrqLine*, route_count> routes)
    : name_(std::move(name)), clock_(clock), timer0_(timer0), timer1_(timer1), routes_(routes) {
  for (unsigned i = 0; i < route_count; ++i)
    if (routes_[i] != nullptr) route_mask_ |= 1u << i;
}

void Hpet::reset() {
  config_ = 0;
  status_ = 0;
  base_ = settled_ = 0;
  timers_.fill({});
  drive();
  if (pit_gate_ != nullptr) pit_gate_->set_open(true);
  if (rtc_gate_ != nullptr) rtc_gate_->set_open(true);
  if (next_match_ != nullptr) next_match_->cancel();
}

void Hpet::visit(StateVisitor& v) {
  v.field("config", config_);
  v.field("status", status_);
  v.field("base", base_);
  v.field("settled", settled_);
  bool possible = (config_ & ~std::uint64_t{3}) == 0 && status_ < 1u << timer_count;
  for (unsigned i = 0; i < timer_count; ++i) {
    Section section(v, "timer" + std::to_string(i));
    v.field("config", timers_[i].config);
    v.field("comparator", timers_[i].comparator);
    v.field("period", timers_[i].period);
    possible &= (timers_[i].config & ~timer_writable) == 0;
  }
  if (pit_gate_ != nullptr) {
    Section section(v, "pit_gate");
    pit_gate_->visit(v);
  }
  if (rtc_gate_ != nullptr) {
    Section section(v, "rtc_gate");
    rtc_gate_->visit(v);
  }
  if (v.loading() && !possible) v.fail("HPET: impossible state");
}

// Counter and wires.

std::uint64_t Hpet::counter() const { return running() ? clock_.now().value / ns_per_count + base_ : base_; }

void Hpet::set_counter(std::uint64_t value) {
  base_ = running() ? value - clock_.now().value / ns_per_count : value;
  settled_ = value;
}

IrqLine* Hpet::wire(unsigned number) const {
  if (number < route_count) return routes_[number];
  return number == route_count ? &timer0_ : number == route_count + 1 ? &timer1_ : nullptr;
}

unsigned Hpet::wire_of(unsigned timer) const {
  if (legacy_replacement() && timer < 2) return route_count + timer;
  const auto route = static_cast<unsigned>(timers_[timer].config >> route_shift & 31);
  return route < route_count && routes_[route] != nullptr ? route : no_wire;
}

std::uint32_t Hpet::wanted() const {
  std::uint32_t high = 0;
  if (!running()) return high;
  for (unsigned i = 0; i < timer_count; ++i) {
    const bool interrupts = (timers_[i].config & (timer_level | timer_enable)) == (timer_level | timer_enable);
    if (interrupts && (status_ >> i & 1)) high |= 1u << wire_of(i);
  }
  return high & ~(1u << no_wire);
}

void Hpet::drive() {
  const std::uint32_t before = driven_;
  driven_ = wanted();
  for (unsigned i = 0; i < route_count + 2; ++i)
    if ((before ^ driven_) >> i & 1) wire(i)->set(driven_ >> i & 1);
}

void Hpet::match(unsigned timer) {
  const std::uint64_t config = timers_[timer].config;
  if (config & timer_level) {
    status_ |= 1u << timer;
    return;
  }
  if (!(config & timer_enable)) return;
  const unsigned number = wire_of(timer);
  if (IrqLine* line = wire(number)) {
    line->set(true);
    line->set(driven_ >> number & 1);
  }
}

// Matches.

std::uint64_t Hpet::distance(const Timer& timer) const {
  const std::uint64_t mask = width_mask(timer.config);
  const std::uint64_t counts = (timer.comparator - settled_) & mask;
  return counts == 0 ? mask + 1 : counts;  // once around
}

void Hpet::settle() {
  if (!running()) return;
  const std::uint64_t now = counter(), elapsed = now - settled_;
  for (unsigned i = 0; i < timer_count; ++i) {
    Timer& t = timers_[i];
    const std::uint64_t first = distance(t);
    if (first == 0 || first > elapsed) continue;
    if ((t.config & timer_periodic) && t.period != 0)
      t.comparator = (t.comparator + ((elapsed - first) / t.period + 1) * t.period) & width_mask(t.config);
    match(i);
  }
  settled_ = now;
}

void Hpet::update() {
  drive();
  VirtualNs next = ns_never;
  for (unsigned i = 0; i < timer_count && running(); ++i) {
    const Timer& t = timers_[i];
    const bool hidden = (t.config & timer_level) && (status_ >> i & 1);
    std::uint64_t counts = distance(t);
    if (!(t.config & timer_enable) || hidden || counts == 0) continue;
    if ((t.config & timer_periodic) && t.period != 0 && counts < closest_matches)
      counts += (closest_matches - counts + t.period - 1) / t.period * t.period;
    const Wide ns = (Wide{clock_.now().value / ns_per_count} + counts) * ns_per_count;
    if (ns < ns_never.value) next = std::min(next, VirtualNs{static_cast<std::uint64_t>(ns)});
  }
  if (next == ns_never) {
    next_match_->cancel();
  } else {
    next_match_->set(next);
  }
}

void Hpet::alarm() {
  settle();
  update();
}

// Registers.

std::uint64_t Hpet::read_register(std::uint64_t offset) {
  switch (offset) {
    case capabilities_register:
      return capabilities;
    case config_register:
      return config_;
    case status_register:
      return status_;
    case counter_register:
      return counter();
    default:
      break;
  }
  const std::uint64_t n = (offset - first_timer_register) / timer_stride;
  if (offset < first_timer_register || n >= timer_count) return 0;
  const Timer& t = timers_[n];
  switch (offset % timer_stride) {
    case 0:
      return std::uint64_t{route_mask_} << 32 | timer_capabilities | t.config;
    case comparator_register:
      return t.comparator;
    default:
      return 0;
  }
}

std::uint64_t Hpet::read(std::uint64_t offset, unsigned width) {
  const std::uint64_t base = offset & ~std::uint64_t{7}, skip = 8 * (offset & 7);
  if (base != counter_register) {
    settle();
    update();
  }
  std::uint64_t value = read_register(base) >> skip;
  if ((offset & 7) + width > 8) value |= read_register(base + 8) << (64 - skip);
  return value & ones(width);
}

void Hpet::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (width < 4 || offset % width != 0) return;
  settle();
  const std::uint64_t base = offset & ~std::uint64_t{7};
  const unsigned skip = offset & 4 ? 32 : 0;
  const std::uint64_t mask = ones(width) << skip;
  value = value << skip & mask;
  const auto merged = [&](std::uint64_t old) { return (old & ~mask) | value; };
  const std::uint64_t n = (base - first_timer_register) / timer_stride;
  if (base == config_register) {
    write_config(merged(config_));
  } else if (base == status_register) {
    status_ &= ~static_cast<std::uint32_t>(value);
  } else if (base == counter_register) {
    set_counter(merged(counter()));
  } else if (base >= first_timer_register && n < timer_count && base % timer_stride == 0) {
    write_timer_config(static_cast<unsigned>(n), merged(timers_[n].config));
  } else if (base >= first_timer_register && n < timer_count && base % timer_stride == comparator_register) {
    write_comparator(static_cast<unsigned>(n), value, mask);
  }
  update();
}

void Hpet::write_config(std::uint64_t value) {
  const std::uint64_t at = counter();
  config_ = value & (config_enable | config_legacy);
  set_counter(at);  // it goes on, or stops, where it is
  if (pit_gate_ != nullptr) pit_gate_->set_open(!legacy_replacement());
  if (rtc_gate_ != nullptr) rtc_gate_->set_open(!legacy_replacement());
}

void Hpet::write_timer_config(unsigned n, std::uint64_t value) {
  Timer& t = timers_[n];
  const auto route = static_cast<unsigned>(value >> route_shift & 31);
  const bool offered = route < route_count && routes_[route] != nullptr;
  const std::uint64_t kept = offered ? value : (value & ~route_bits) | (t.config & route_bits);
  t.config = kept & timer_writable;
  t.comparator &= width_mask(t.config);
  t.period &= width_mask(t.config);
  if (!(t.config & timer_level)) status_ &= ~(1u << n);
}

void Hpet::write_comparator(unsigned n, std::uint64_t value, std::uint64_t mask) {
  Timer& t = timers_[n];
  mask &= width_mask(t.config);
  if (mask == 0) return;
  value &= mask;
  const bool periodic = t.config & timer_periodic;
  if (periodic) t.period = (t.period & ~mask) | value;
  if (periodic && !(t.config & timer_set_value)) return;
  t.config &= ~timer_set_value;
  t.comparator = (t.comparator & ~mask) | value;
  if (!running() || ((t.comparator ^ settled_) & width_mask(t.config)) != 0) return;
  // The counter stands on it now. A periodic timer goes on from here.
  if (periodic) t.comparator = (t.comparator + t.period) & width_mask(t.config);
  match(n);
}

}  // namespace lockstitch
