// See pit_channel.h. Source: Intel 8254 datasheet, "Mode definitions".
#include "devices/timer/pit_channel.h"

namespace lockstitch {

void PitChannel::set_mode(unsigned mode, bool bcd) {
  mode_ = static_cast<std::uint8_t>(mode);
  bcd_ = bcd;
  loaded_ = triggered_ = prepared_ = false;
  held_ = 0;
}

std::uint32_t PitChannel::decode(std::uint16_t written) const {
  std::uint32_t count = written;
  if (bcd_) count = (written >> 12) * 1000 + (written >> 8 & 15) * 100 + (written >> 4 & 15) * 10 + (written & 15);
  if (count == 0) count = modulus();
  return periodic() && count == 1 ? 2 : count;  // 1 is not allowed in the periodic modes
}

std::uint16_t PitChannel::encode(std::uint32_t count) const {
  count %= modulus();
  if (!bcd_) return static_cast<std::uint16_t>(count);
  return static_cast<std::uint16_t>(count / 1000 << 12 | count / 100 % 10 << 8 | count / 10 % 10 << 4 | count % 10);
}

void PitChannel::load(std::uint16_t written, std::uint64_t clock) {
  const std::uint32_t initial = decode(written);
  if (periodic() && counting() && clock >= start_) {
    prepared_ = true;
    prepared_initial_ = initial;
    prepared_at_ = start_ + (elapsed(clock) / initial_ + 1) * initial_;
    return;
  }
  loaded_ = true;
  initial_ = initial;
  if (triggered_by_gate() && triggered_) return;  // a running one-shot is not disturbed; the next trigger takes it
  start_ = clock + 1;
  held_ = 0;
}

bool PitChannel::advance(std::uint64_t from, std::uint64_t to) {
  const bool rose = rises(to) > rises(from);
  if (prepared_ && to >= prepared_at_) {
    prepared_ = false;
    initial_ = prepared_initial_;
    start_ = prepared_at_;
  }
  return rose;
}

void PitChannel::set_gate(bool gate, std::uint64_t clock) {
  if (gate == gate_) return;
  if (gate) {
    if (triggered_by_gate()) {
      triggered_ = loaded_;
      start_ = clock + 1;
    } else if (periodic()) {
      start_ = clock + 1;
      if (prepared_) initial_ = prepared_initial_;
      prepared_ = false;
    } else {
      start_ = clock - held_;
    }
  } else if (!periodic() && !triggered_by_gate()) {
    held_ = elapsed(clock);
  }
  gate_ = gate;
}

bool PitChannel::counting() const { return loaded_ && (triggered_by_gate() ? triggered_ : gate_); }

std::uint64_t PitChannel::elapsed(std::uint64_t clock) const {
  if (!counting()) return loaded_ && !triggered_by_gate() && !periodic() ? held_ : 0;
  // A start before power-on (held counts) wraps; a start in the future is the one clock until the count is loaded.
  const auto gone = static_cast<std::int64_t>(clock - start_);
  return gone < 0 ? 0 : static_cast<std::uint64_t>(gone);
}

bool PitChannel::null_count(std::uint64_t clock) const {
  return !loaded_ || prepared_ || (counting() && static_cast<std::int64_t>(clock - start_) < 0);
}

std::uint16_t PitChannel::count(std::uint64_t clock) const {
  const std::uint64_t gone = elapsed(clock);
  if (mode_ == 2) return encode(static_cast<std::uint32_t>(initial_ - gone % initial_));
  if (mode_ == 3) {
    // Counts down by two, twice per period; an odd count is one less and stays at 0 for one clock in its first half.
    const std::uint64_t at = gone % initial_, first_half = (initial_ + 1) / 2;
    const std::uint64_t in_half = at < first_half ? at : at - first_half;
    return encode(static_cast<std::uint32_t>((initial_ & ~1u) - 2 * in_half));
  }
  return encode(static_cast<std::uint32_t>(initial_ + modulus() - gone % modulus()));
}

bool PitChannel::output(std::uint64_t clock) const {
  const std::uint64_t gone = elapsed(clock);
  switch (mode_) {
    case 0:
      return loaded_ && gone >= initial_;
    case 1:
      return !counting() || gone >= initial_;
    case 2:
      return !counting() || gone % initial_ != initial_ - 1;
    case 3:
      return !counting() || gone % initial_ < (initial_ + 1) / 2;
    default:
      return !loaded_ || gone != initial_;
  }
}

std::uint64_t PitChannel::rises(std::uint64_t clock) const {
  const std::uint64_t gone = elapsed(clock);
  if (periodic()) return gone / initial_;
  return loaded_ && gone >= rise_after() ? 1 : 0;
}

std::uint64_t PitChannel::next_rise(std::uint64_t clock) const {
  if (!counting()) return never;
  const std::uint64_t gone = elapsed(clock);
  if (!periodic()) return gone >= rise_after() ? never : start_ + rise_after();
  return start_ + (gone / initial_ + 1) * initial_;
}

void PitChannel::visit(StateVisitor& v) {
  v.field("mode", mode_);
  v.field("bcd", bcd_);
  v.field("gate", gate_);
  v.field("loaded", loaded_);
  v.field("triggered", triggered_);
  v.field("initial", initial_);
  v.field("start", start_);
  v.field("held", held_);
  v.field("prepared", prepared_);
  v.field("prepared_initial", prepared_initial_);
  v.field("prepared_at", prepared_at_);
  const auto possible = [](std::uint32_t count) { return count >= 1 && count <= 0x1'0000; };
  if (v.loading() && (mode_ > 5 || !possible(initial_) || !possible(prepared_initial_)))
    v.fail("8254: impossible state");
}

}  // namespace lockstitch
