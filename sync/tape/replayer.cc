// See replayer.h.
#include "sync/tape/replayer.h"

#include <string>
#include <utility>

#include "lockstitch/assert.h"

namespace lockstitch::sync {
namespace {

std::string hex(std::uint32_t value) {
  static const char digits[] = "0123456789abcdef";
  std::string text(8, '0');
  for (unsigned i = 0; i < 8; ++i) text[i] = digits[(value >> (28 - 4 * i)) & 15];
  return text;
}

}  // namespace

std::optional<Arrival> ReplayingSource::take(Moment now) {
  cursor_.read_past(now.tick);
  const Entry* next = cursor_.input();
  if (next == nullptr || next->tick != now.tick) return std::nullopt;
  Entry entry = cursor_.take_input();
  if (auto* control = std::get_if<ControlEntry>(&entry.body)) {
    check_position(entry, control->position, "cpu at a control");
    return Arrival{entry.tick, control_port, control->control, {}};
  }
  auto& arrival = std::get<ArrivalEntry>(entry.body);
  check_position(entry, arrival.position, "cpu at an arrival");
  return Arrival{entry.tick, arrival.port, {}, std::move(arrival.payload)};
}

void ReplayingSource::check_position(const Entry& entry, Position expected, const char* what) {
  const Position got = probe_.position();
  if (got == expected) return;
  cursor_.diverged({entry.tick, what, "position " + hex(expected.hash), "position " + hex(got.hash)});
}

Tick ReplayingSource::next_known() const {
  const Entry* next = cursor_.input();
  return next == nullptr ? tick_never : next->tick;
}

Tick ReplayingSource::idle(Moment now, Moment until) {
  // Called with until == now when the machine has come to the end of what is known.
  cursor_.read_past(now.tick);
  return until.tick;
}

}  // namespace lockstitch::sync
