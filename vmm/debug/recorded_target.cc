// See recorded_target.h.
#include "vmm/debug/recorded_target.h"

#include <algorithm>

#include "vmm/debug/guest_access.h"
#include "vmm/debug/page_walk.h"

namespace lockstitch::debug {

WatchSet watch_set(const gdb::Watched& watched) {
  WatchSet set;
  set.breakpoints = watched.breakpoints;
  for (const gdb::WatchRange& range : watched.ranges) {
    set.ranges.push_back({WatchSpace::linear, range.address, range.bytes, range.watch != gdb::Watch::write,
                          range.watch != gdb::Watch::read});
  }
  return set;
}

std::string RecordedTarget::divert() {
  if (timeline_.diverted()) return "";
  timeline_.divert();
  return "This did not happen in the recording: from here on the machine runs on its own, without the log. `monitor "
         "back` returns to the recording as it was.\n";
}

Result<std::string> RecordedTarget::set_cpu(const CpuState& state) {
  std::string note = divert();
  machine_.set_cpu(state);
  return note;
}

std::uint64_t RecordedTarget::read_memory(std::uint64_t address, MutableBytes out) {
  return read_linear(machine_.cpu(), machine_.memory(), address, out);
}

Result<std::string> RecordedTarget::write_memory(std::uint64_t address, Bytes in) {
  const auto pieces = physical_pieces(machine_.cpu(), machine_.memory(), address, in.size());
  if (!pieces.ok()) return pieces.error();
  std::string note = divert();
  for (const auto& piece : pieces.value()) machine_.memory().write(piece.gpa, in.subspan(piece.offset, piece.bytes));
  return note;
}

std::uint64_t RecordedTarget::read_physical(std::uint64_t address, MutableBytes out) {
  return debug::read_physical(machine_.memory(), address, out);
}

Result<std::string> RecordedTarget::write_physical(std::uint64_t address, Bytes in) {
  if (const Outcome there = check_ram(machine_.memory(), address, in.size()); !there.ok()) return there.error();
  std::string note = divert();
  machine_.memory().write(address, in);
  return note;
}

gdb::Stop RecordedTarget::stop_of(Arrived arrived) const {
  gdb::Stop stop;
  switch (arrived) {
    case Arrived::there:
      break;
    case Arrived::watched: {
      const WatchHit& hit = *timeline_.hit();
      stop.address = hit.address;
      stop.reason = hit.kind == WatchKind::breakpoint ? gdb::StopReason::breakpoint : gdb::StopReason::watchpoint;
      if (hit.kind != WatchKind::breakpoint && hit.range < watched_.ranges.size()) {
        stop.watch = watched_.ranges[hit.range].watch;
      }
      break;
    }
    case Arrived::interrupted:
      stop.reason = gdb::StopReason::interrupted;
      break;
    case Arrived::history_begin:
      stop.reason = gdb::StopReason::history_begin;
      break;
    case Arrived::history_end:
      stop.reason = gdb::StopReason::history_end;
      if (!timeline_.trouble().empty()) stop.note = timeline_.trouble() + "\n";
      break;
  }
  return stop;
}

gdb::Stop RecordedTarget::step(const gdb::Resume& how, const std::function<bool()>& interrupted) {
  WatchSet set = watch_set(watched_);
  set.breakpoints.clear();
  for (;;) {
    const Arrived arrived = monitor_.step(set, interrupted);
    if (arrived != Arrived::there) return stop_of(arrived);
    const CpuState cpu = machine_.cpu();
    const std::uint64_t linear = linear_rip(cpu);
    const auto& breakpoints = watched_.breakpoints;
    if (std::find(breakpoints.begin(), breakpoints.end(), linear) != breakpoints.end()) {
      gdb::Stop stop;
      stop.reason = gdb::StopReason::breakpoint;
      stop.address = linear;
      return stop;
    }
    if (how.from >= how.until || linear < how.from || linear >= how.until) return {};
    if (interrupted()) return stop_of(Arrived::interrupted);
  }
}

gdb::Stop RecordedTarget::resume(const gdb::Resume& how, const std::function<bool()>& interrupted) {
  const bool back = how.move == gdb::Move::step_back || how.move == gdb::Move::resume_back;
  if (back && timeline_.diverted()) {
    gdb::Stop stop = stop_of(Arrived::history_begin);
    stop.note = "A diversion has no past; `monitor back` returns to the recording.\n";
    return stop;
  }
  switch (how.move) {
    case gdb::Move::step:
      return step(how, interrupted);
    case gdb::Move::resume:
      return stop_of(monitor_.run(watch_set(watched_), interrupted));
    case gdb::Move::step_back:
      return stop_of(timeline_.step_back(interrupted));
    case gdb::Move::resume_back:
      return stop_of(timeline_.run_back(watch_set(watched_), interrupted));
  }
  return {};
}

Result<std::string> RecordedTarget::monitor(std::string_view line, const std::function<bool()>& interrupted) {
  return monitor_.command(line, interrupted);
}

}  // namespace lockstitch::debug
