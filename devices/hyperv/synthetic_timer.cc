// See synthetic_timer.h. Source: TLFS 12 (timers).
#include "devices/hyperv/synthetic_timer.h"

namespace lockstitch::hyperv {
namespace {
constexpr std::uint64_t config_enable = 1, config_auto_enable = 8;
/// A guest may ask for a period of 100 ns. Expiries closer than 1 us are merged; the phase is kept.
constexpr std::uint64_t closest_expiries = 10;

constexpr std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  return b > SyntheticTimer::never - a ? SyntheticTimer::never : a + b;
}
}  // namespace

void SyntheticTimer::start(std::uint64_t now) {
  waits_ = false;
  waiting_since_ = 0;
  if (!has_target()) config_ &= ~config_enable;
  due_ = !runs() ? 0 : periodic() ? add(now, count_) : count_;
}

void SyntheticTimer::set_config(std::uint64_t value, std::uint64_t now) {
  config_ = value;
  start(now);
}

void SyntheticTimer::set_count(std::uint64_t value, std::uint64_t now) {
  count_ = value;
  if (count_ == 0) {
    config_ &= ~config_enable;
  } else if (config_ & config_auto_enable) {
    config_ |= config_enable;
  }
  start(now);
}

bool SyntheticTimer::expire(std::uint64_t now, std::uint64_t& expired_at) {
  if (!runs() || due_ > now) return false;
  expired_at = due_;
  if (!periodic()) {
    config_ &= ~config_enable;
    due_ = 0;
    return true;
  }
  due_ = add(due_ + (now - due_) / count_ * count_, count_);
  if (due_ - now < closest_expiries) {
    const std::uint64_t missing = closest_expiries - (due_ - now);
    due_ = add(due_, (missing + count_ - 1) / count_ * count_);
  }
  return true;
}

void SyntheticTimer::wait(std::uint64_t expired_at) {
  if (waits_) return;  // the message that waits stands for both
  waits_ = true;
  waiting_since_ = expired_at;
}

void SyntheticTimer::visit(StateVisitor& v) {
  v.field("config", config_);
  v.field("count", count_);
  v.field("due", due_);
  v.field("waits", waits_);
  v.field("waiting_since", waiting_since_);
}

}  // namespace lockstitch::hyperv
