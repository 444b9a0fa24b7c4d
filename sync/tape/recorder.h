// Makes a run a recording: whatever the machine is given is written down as it is handed over, whatever digest it
// sends as it passes. Decorators of any source and sink; they know no device.
#pragma once
#include "lockstitch/sink.h"
#include "lockstitch/source.h"
#include "sync/log/log_stream.h"
#include "sync/tape/probe.h"

namespace lockstitch::sync {

class RecordingSource final : public Source {
 public:
  RecordingSource(Source& live, LogStream& log, Probe& probe) : live_(live), log_(log), probe_(probe) {}

  std::optional<Arrival> take(Moment now) override;
  Tick next_known() const override { return live_.next_known(); }
  Tick horizon() const override { return live_.horizon(); }
  Tick idle(Moment now, Moment until) override { return live_.idle(now, until); }

  /// An input was handed over and others of the same tick may follow.
  bool among_inputs() const { return among_inputs_; }

 private:
  Source& live_;
  LogStream& log_;
  Probe& probe_;
  bool among_inputs_ = false;
};

/// Effects pass unchanged: that they wait until the log is safe is the business of the sink behind this one. But each
/// moves the horizon: while the machine is in the middle of a pass there can be no input up to where it is, and a
/// replay must come as far as whatever was let out. (Not so what a device sends while it is handed an input, for others
/// of the tick may follow. No device does that.)
class RecordingSink final : public Sink {
 public:
  RecordingSink(Sink& next, const RecordingSource& source, LogStream& log, Probe& probe)
      : next_(next), source_(source), log_(log), probe_(probe) {}

  void effect(const Effect& effect) override {
    if (!source_.among_inputs()) log_.passed(effect.tick);
    next_.effect(effect);
  }
  void digest(Tick tick, const Digest& digest) override;

 private:
  Sink& next_;
  const RecordingSource& source_;
  LogStream& log_;
  Probe& probe_;
};

}  // namespace lockstitch::sync
