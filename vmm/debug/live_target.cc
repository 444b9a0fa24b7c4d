// See live_target.h.
#include "vmm/debug/live_target.h"

#include <algorithm>

#include "vmm/debug/guest_access.h"
#include "vmm/debug/held_target.h"
#include "vmm/debug/page_walk.h"
#include "vmm/debug/recorded_target.h"

namespace lockstitch::debug {

Result<std::string> LiveTarget::set_cpu(const CpuState& state) {
  if (end_) return Error{ExitCode::usage, "The machine is over."};
  machine_.set_cpu(state);
  return std::string();
}

std::uint64_t LiveTarget::read_memory(std::uint64_t address, MutableBytes out) {
  return read_linear(machine_.cpu(), machine_.memory(), address, out);
}

Result<std::string> LiveTarget::write_memory(std::uint64_t address, Bytes in) {
  const auto pieces = physical_pieces(machine_.cpu(), machine_.memory(), address, in.size());
  if (!pieces.ok()) return pieces.error();
  for (const auto& piece : pieces.value()) machine_.memory().write(piece.gpa, in.subspan(piece.offset, piece.bytes));
  return std::string();
}

std::uint64_t LiveTarget::read_physical(std::uint64_t address, MutableBytes out) {
  return debug::read_physical(machine_.memory(), address, out);
}

Result<std::string> LiveTarget::write_physical(std::uint64_t address, Bytes in) {
  if (const Outcome there = check_ram(machine_.memory(), address, in.size()); !there.ok()) return there.error();
  machine_.memory().write(address, in);
  return std::string();
}

void LiveTarget::set_watched(const gdb::Watched& watched) {
  watched_ = watched;
  machine_.set_watched(watch_set(watched));
}

void LiveTarget::run_on() {
  note(machine_.step(source_, sink_, stop_at_));
  between_passes_();
}

// Nothing: the machine can go on.
std::optional<gdb::Stop> LiveTarget::note(const std::optional<End>& end) {
  gdb::Stop stop;
  if (const auto hit = machine_.take_hit()) {
    stop.reason = gdb::StopReason::watchpoint;
    stop.address = hit->address;
    if (hit->range < watched_.ranges.size()) stop.watch = watched_.ranges[hit->range].watch;
    return stop;
  }
  if (!end) return std::nullopt;
  if (end->reason == EndReason::watched) {
    const std::uint64_t here = linear_rip(machine_.cpu());
    const auto& breakpoints = watched_.breakpoints;
    if (std::find(breakpoints.begin(), breakpoints.end(), here) != breakpoints.end()) {
      stop.reason = gdb::StopReason::breakpoint;
      stop.address = here;
    }
    return stop;
  }
  end_ = end;
  stop.reason = gdb::StopReason::ended;
  stop.exit_code = exit_code_(*end);
  return stop;
}

gdb::Stop LiveTarget::resume(const gdb::Resume& how, const std::function<bool()>& interrupted) {
  while (!end_) {
    const bool step = how.move == gdb::Move::step;
    const auto stop =
        note(step ? machine_.step_once(source_, sink_, stop_at_) : machine_.step(source_, sink_, stop_at_));
    between_passes_();
    if (stop && stop->reason != gdb::StopReason::step) return *stop;
    const std::uint64_t here = linear_rip(machine_.cpu());
    if (stop && (how.from >= how.until || here < how.from || here >= how.until)) return *stop;
    if (interrupted()) {
      gdb::Stop held;
      held.reason = gdb::StopReason::interrupted;
      return held;
    }
  }
  gdb::Stop over;
  over.reason = gdb::StopReason::ended;
  over.exit_code = exit_code_(*end_);
  return over;
}

Result<std::string> LiveTarget::monitor(std::string_view line, const std::function<bool()>&) {
  if (auto said = say_of(machine_, line)) return *said;
  return Error{ExitCode::usage,
               "A machine that runs live knows `when`, `regs system`, `pagewalk ADDR`, `linux-base` and `linux-symbols "
               "FILE`; record it to go back in time."};
}

}  // namespace lockstitch::debug
