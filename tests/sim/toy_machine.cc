// See toy_machine.h.
#include "tests/sim/toy_machine.h"

#include <cstring>

#include "tests/sim/random.h"

namespace lockstitch::sim {
namespace {

void put(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t get(Bytes bytes, std::size_t index) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{bytes[8 * index + i]} << (8 * i);
  return value;
}

}  // namespace

void Disk::append(RequestId row) {
  rows.push_back(row);
  sum = mix(sum ^ row);
}

Payload payload_of(Bytes bytes) {
  return {get(bytes, 0), static_cast<RequestId>(get(bytes, 1)), (get(bytes, 1) >> 32) != 0};
}

ToyMachine::ToyMachine(std::uint64_t life, Disk& disk) : disk_(disk), life_(life), state_(mix(life ^ disk.sum)) {}

ToyMachine::ToyMachine(Bytes saved, Disk& disk) : disk_(disk) {
  std::size_t at = 0;
  const auto next = [&] { return get(saved, at++); };
  life_ = next();
  state_ = next();
  ordinal_ = next();
  tick_ = {next()};
  ends_at_ = next();
  ended_ = next() != 0;
  for (std::uint64_t n = next(); n > 0; --n) {
    const std::uint64_t tick = next();
    answers_.push_back({tick, static_cast<RequestId>(next())});
  }
  disk_ = {};
  for (std::uint64_t n = next(); n > 0; --n) disk_.append(static_cast<RequestId>(next()));
}

std::vector<std::uint8_t> ToyMachine::save() const {
  std::vector<std::uint8_t> out;
  for (const std::uint64_t value : {life_, state_, ordinal_, tick_.value, ends_at_, std::uint64_t{ended_}}) {
    put(out, value);
  }
  put(out, answers_.size());
  for (const Answer& answer : answers_) {
    put(out, answer.tick);
    put(out, answer.request);
  }
  put(out, disk_.rows.size());
  for (const RequestId row : disk_.rows) put(out, row);
  return out;
}

std::vector<std::uint8_t> ToyMachine::state() {
  std::vector<std::uint8_t> out;
  put(out, state_);
  put(out, ordinal_);
  return out;
}

std::uint64_t ToyMachine::sum() const {
  std::uint64_t sum = mix(state_ ^ mix(disk_.sum ^ mix(ordinal_ ^ mix(tick_.value))));
  for (const Answer& answer : answers_) sum = mix(sum ^ answer.tick ^ (std::uint64_t{answer.request} << 32));
  return sum;
}

bool ToyMachine::step(Source& source, Sink& sink) {
  if (ended_ || source.horizon() <= tick_) return false;
  const Moment now{tick_, {tick_.value}};
  while (const std::optional<Arrival> arrival = source.take(now)) take(*arrival);
  if (tick_.value >= ends_at_) {
    emit(sink, 0, true);
    ended_ = true;
    return true;
  }
  while (!answers_.empty() && answers_.front().tick <= tick_.value) {
    emit(sink, answers_.front().request, false);
    answers_.pop_front();
  }
  if (state_ % 23 == 0) emit(sink, 0, false);
  if (tick_.value % digest_every_ticks == 0) sink.digest(tick_, digest());
  state_ = mix(state_ + tick_.value);
  tick_ = tick_ + 1;
  return true;
}

void ToyMachine::take(const Arrival& arrival) {
  const auto request = static_cast<RequestId>(get(arrival.payload, 0));
  state_ = mix(state_ ^ request);
  if (request == power_off) {
    ends_at_ = tick_.value + 25;
    return;
  }
  disk_.append(request);
  const std::uint64_t due = tick_.value + state_ % 4;
  answers_.push_back({answers_.empty() ? due : std::max(due, answers_.back().tick), request});
}

void ToyMachine::emit(Sink& sink, RequestId answers, bool last) {
  std::vector<std::uint8_t> bytes;
  put(bytes, mix(state_ ^ disk_.sum ^ ordinal_));
  put(bytes, answers | (std::uint64_t{last} << 32));
  sink.effect({tick_, port, ordinal_++, bytes});
}

}  // namespace lockstitch::sim
