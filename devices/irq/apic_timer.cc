// See apic_timer.h.
#include "devices/irq/apic_timer.h"

#include <algorithm>

namespace lockstitch {
namespace {
// A guest may ask for a period of one nanosecond. Expiries closer than this are merged; the phase is kept.
constexpr std::uint64_t closest_expiries_ns = 1000;
}  // namespace

void ApicTimer::reset() {
  mode_ = Mode::one_shot;
  running_ = false;
  initial_ = divide_ = 0;
  start_ns_ = deadline_ = 0;
  if (alarm_ != nullptr) alarm_->cancel();
}

void ApicTimer::visit(StateVisitor& v) {
  v.field("mode", mode_);
  v.field("running", running_);
  v.field("initial", initial_);
  v.field("divide", divide_);
  v.field("start_ns", start_ns_);
  v.field("deadline", deadline_);
  if (v.loading() && (mode_ > Mode::reserved || (divide_ & ~0xbu) != 0 || (running_ && initial_ == 0)))
    v.fail("APIC timer: impossible state");
}

std::uint64_t ApicTimer::divisor() const {
  // Register bits 3, 1 and 0 are a power of two less one, except that 111 is 1 (SDM 3A 10.5.4).
  const unsigned code = (divide_ & 3) | (divide_ >> 1 & 4);
  return code == 7 ? 1 : std::uint64_t{2} << code;
}

std::uint32_t ApicTimer::current_count() const {
  if (!running_) return 0;
  const std::uint64_t gone = elapsed();
  if (mode_ == Mode::periodic) return static_cast<std::uint32_t>(initial_ - gone % initial_);
  return gone >= initial_ ? 0 : static_cast<std::uint32_t>(initial_ - gone);
}

void ApicTimer::arm() {
  const VirtualNs now = clock_.now();
  if (mode_ == Mode::tsc_deadline) {
    const std::uint64_t tsc = tsc_now();
    if (deadline_ == 0) return alarm_->cancel();
    if (deadline_ <= tsc) return alarm_->set(now);
    const std::uint64_t wait = deadline_ - tsc;
    if (wait >= ns_never.value - now.value) return alarm_->cancel();  // in some hundred years
    return alarm_->set(now + wait);
  }
  if (!running_) return alarm_->cancel();
  const std::uint64_t period_ns = initial_ * divisor();
  if (mode_ != Mode::periodic) return alarm_->set(VirtualNs{start_ns_ + period_ns});
  // The next expiry, or a later one in phase if that would come too soon.
  const std::uint64_t periods = (std::max(period_ns, closest_expiries_ns) + period_ns - 1) / period_ns;
  alarm_->set(VirtualNs{start_ns_ + periods * period_ns});
}

bool ApicTimer::expire() {
  bool expired = false;
  if (mode_ == Mode::tsc_deadline) {
    if (deadline_ != 0 && deadline_ <= tsc_now()) {
      deadline_ = 0;
      expired = true;
    }
  } else if (running_ && mode_ == Mode::periodic) {
    const std::uint64_t expiries = elapsed() / initial_;
    expired = expiries != 0;
    start_ns_ += expiries * initial_ * divisor();
  } else if (running_ && elapsed() >= initial_) {
    running_ = false;
    expired = true;
  }
  arm();
  return expired;
}

void ApicTimer::set_mode(Mode mode) {
  if (mode == mode_) return;
  if (mode == Mode::tsc_deadline || mode_ == Mode::tsc_deadline) {
    running_ = false;
    initial_ = 0;
    deadline_ = 0;
  } else if (running_ && mode == Mode::periodic) {
    running_ = elapsed() < initial_;  // a one-shot that has run out stays at 0
  } else if (running_ && mode_ == Mode::periodic) {
    start_ns_ += elapsed() / initial_ * initial_ * divisor();  // the current period becomes the shot
  }
  mode_ = mode;
  arm();
}

void ApicTimer::set_initial_count(std::uint32_t count) {
  if (mode_ == Mode::tsc_deadline) return;
  initial_ = count;
  running_ = count != 0;
  start_ns_ = clock_.now().value;
  arm();
}

void ApicTimer::set_divide(std::uint32_t register_value) {
  std::uint64_t gone = running_ ? elapsed() : 0;
  if (mode_ != Mode::periodic) gone = std::min<std::uint64_t>(gone, initial_);
  divide_ = register_value & 0xb;
  if (!running_) return;
  start_ns_ = clock_.now().value - gone * divisor();  // the count goes on from where it is
  arm();
}

void ApicTimer::set_deadline(std::uint64_t tsc) {
  if (mode_ != Mode::tsc_deadline) return;
  deadline_ = tsc;
  arm();
}

}  // namespace lockstitch
