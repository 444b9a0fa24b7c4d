// See pit_8254.h.
#include "devices/timer/pit_8254.h"

#include "devices/timer/frequency.h"

namespace lockstitch {
namespace {
constexpr std::uint64_t control_offset = 3;
constexpr unsigned read_back = 3;  // in place of a channel number
}  // namespace

Pit8254::Pit8254(std::string name, IrqLine& irq0, ClockPort& clock)
    : name_(std::move(name)), irq0_(irq0), clock_(clock) {
  channels_[2].counter.set_gate(false, 0);
}

void Pit8254::reset() {
  channels_ = {};
  settled_ = now();
  channels_[2].counter.set_gate(false, settled_);
  update();
}

void Pit8254::Channel::visit(StateVisitor& v) {
  counter.visit(v);
  v.field("access", access);
  v.field("low_written", low_written);
  v.field("low_byte", low_byte);
  v.field("high_next", high_next);
  v.field("latched_bytes", latched_bytes);
  v.field("latched_count", latched_count);
  v.field("status_latched", status_latched);
  v.field("latched_status", latched_status);
  if (v.loading() && (access == Access::none || access > Access::both || latched_bytes > 2))
    v.fail("8254: impossible state of the bus side");
}

void Pit8254::visit(StateVisitor& v) {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    Section section(v, std::to_string(i));
    channels_[i].visit(v);
  }
  v.field("settled", settled_);
}

std::uint64_t Pit8254::now() const { return cycles_at(clock_.now().value, pit_hz); }

void Pit8254::settle() {
  const std::uint64_t clock = now();
  for (Channel& channel : channels_) {
    if (channel.counter.advance(settled_, clock) && &channel == &channels_[0]) {
      irq0_.set(false);
      irq0_.set(true);
    }
  }
  settled_ = clock;
}

void Pit8254::update() {
  irq0_.set(channels_[0].counter.output(settled_));
  const std::uint64_t rise = channels_[0].counter.next_rise(settled_);
  if (rise == PitChannel::never) {
    next_rise_->cancel();
  } else {
    next_rise_->set(time_of_cycle(rise, pit_hz));
  }
}

void Pit8254::alarm() {
  settle();
  update();
}

void Pit8254::set_gate2(bool gate) {
  settle();
  channels_[2].counter.set_gate(gate, settled_);
}

bool Pit8254::output2() {
  settle();
  return channels_[2].counter.output(settled_);
}

void Pit8254::latch_count(Channel& channel) {
  if (channel.latched_bytes != 0) return;  // the first latch holds until it is read
  channel.latched_count = channel.counter.count(settled_);
  channel.latched_bytes = channel.access == Access::both ? 2 : 1;
}

void Pit8254::latch_status(Channel& channel) {
  if (channel.status_latched) return;
  const PitChannel& counter = channel.counter;
  channel.status_latched = true;
  channel.latched_status =
      static_cast<std::uint8_t>(counter.output(settled_) << 7 | counter.null_count(settled_) << 6 |
                                static_cast<unsigned>(channel.access) << 4 | counter.mode() << 1 | counter.bcd());
}

void Pit8254::write_control(std::uint8_t value) {
  const unsigned number = value >> 6;
  if (number == read_back) {
    for (unsigned i = 0; i < channels_.size(); ++i) {
      if (!(value & 2u << i)) continue;
      if (!(value & 0x20)) latch_count(channels_[i]);
      if (!(value & 0x10)) latch_status(channels_[i]);
    }
    return;
  }
  Channel& channel = channels_[number];
  const auto access = static_cast<Access>(value >> 4 & 3);
  if (access == Access::none) return latch_count(channel);
  const unsigned mode = value >> 1 & 7;
  channel.access = access;
  channel.low_written = channel.high_next = channel.status_latched = false;
  channel.latched_bytes = 0;
  channel.counter.set_mode(mode > 5 ? mode - 4 : mode, value & 1);
}

void Pit8254::write_count(Channel& channel, std::uint8_t value) {
  switch (channel.access) {
    case Access::low:
      return channel.counter.load(value, settled_);
    case Access::high:
      return channel.counter.load(static_cast<std::uint16_t>(value << 8), settled_);
    default:
      break;
  }
  if (!channel.low_written) {
    channel.low_written = true;
    channel.low_byte = value;
    if (channel.counter.mode() == 0) channel.counter.stop();
    return;
  }
  channel.low_written = false;
  channel.counter.load(static_cast<std::uint16_t>(value << 8 | channel.low_byte), settled_);
}

std::uint8_t Pit8254::read_byte(std::uint64_t offset) {
  if (offset >= control_offset) return 0xff;
  settle();
  update();
  Channel& channel = channels_[offset];
  if (channel.status_latched) {
    channel.status_latched = false;
    return channel.latched_status;
  }
  const bool latched = channel.latched_bytes != 0;
  const std::uint16_t count = latched ? channel.latched_count : channel.counter.count(settled_);
  if (latched) --channel.latched_bytes;
  if (channel.access == Access::low) return static_cast<std::uint8_t>(count);
  if (channel.access == Access::high) return static_cast<std::uint8_t>(count >> 8);
  channel.high_next = !channel.high_next;
  return static_cast<std::uint8_t>(channel.high_next ? count : count >> 8);
}

void Pit8254::write_byte(std::uint64_t offset, std::uint8_t value) {
  settle();
  if (offset >= control_offset) {
    write_control(value);
  } else {
    write_count(channels_[offset], value);
  }
  update();
}

}  // namespace lockstitch
