// See recorder.h.
#include "sync/tape/recorder.h"

namespace lockstitch::sync {

std::optional<Arrival> RecordingSource::take(Moment now) {
  std::optional<Arrival> arrival = live_.take(now);
  among_inputs_ = arrival.has_value();
  if (!arrival) {
    log_.passed(now.tick);
  } else if (arrival->port == control_port) {
    log_.append({arrival->tick, ControlEntry{arrival->control, probe_.position()}});
  } else {
    log_.append({arrival->tick, ArrivalEntry{arrival->port, probe_.position(), arrival->payload}});
  }
  return arrival;
}

void RecordingSink::digest(Tick tick, const Digest& digest) {
  log_.append({tick, DigestEntry{digest, probe_.state(), probe_.memory_sums()}});
  next_.digest(tick, digest);
}

}  // namespace lockstitch::sync
