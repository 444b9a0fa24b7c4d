// See exit_counting.h.
#include "vmm/engine/interp/exit_counting.h"

#include "lockstitch/assert.h"
#include "vmm/engine/interp/null_segments.h"

namespace lockstitch::interp {
namespace {

/// Unit: instructions. How long a guest may compute before its owner's patience is asked for.
constexpr std::uint64_t patience_instructions = 1u << 28;

}  // namespace

ExitCounting::ExitCounting(GuestMemory& memory, CpuModel model, Patience patience)
    : inner_(memory, model), patience_(std::move(patience)) {}

EngineTraits ExitCounting::traits() const {
  EngineTraits traits = inner_.traits();
  traits.ticks = TickUnit::exit;
  return traits;
}

CpuState ExitCounting::state() const {
  CpuState state = inner_.state();
  forget_null_segments(state);
  return state;
}

Exit ExitCounting::run(const RunRequest& request, ExitDoor& door) {
  door_ = &door;
  tick_ = request.start;
  bound_ = request.bound;
  RunRequest inner = request;
  inner.single = false;
  unsigned asked = 0;
  bool in_open_window = false;  // a REP instruction has no boundaries inside, so there the window has to wait
  for (;;) {
    inner.start = inner_tick_;
    inner.bound = inner_tick_ + (in_open_window ? 1 : patience_instructions);
    inner.want_window = request.want_window && !in_open_window;
    in_open_window = false;
    inner.clock = {0, request.clock.at(tick_).value};
    const Tick before = tick_;
    const Exit exit = inner_.run(inner, *this);
    inner_tick_ = exit.tick;
    inner.interrupt.reset();
    inner.nmi = false;
    switch (exit.kind) {
      case ExitKind::bound:
        if (tick_ == before && inner_tick_ - inner.start >= patience_instructions && patience_ &&
            !patience_(++asked)) {
          return {ExitKind::spinning, 0, 0, 0, tick_};
        }
        if (tick_ != before) asked = 0;
        if (tick_ >= bound_ && !inner_.inside_string()) return {ExitKind::bound, 0, 0, 0, tick_};
        break;
      case ExitKind::interrupt_window:
        in_open_window = inner_.inside_string();
        if (in_open_window) break;
        return {ExitKind::interrupt_window, 0, 0, 0, tick_};
      case ExitKind::halted:
        tick_ = tick_ + 1;
        return {ExitKind::halted, 0, 0, 0, tick_};
      case ExitKind::shutdown: {
        // Processors forget what they were (AMD's even their registers), so nobody's state counts.
        CpuState dead = cpu_at_reset();
        dead.activity = Activity::shutdown;
        inner_.set_state(dead);
        return {ExitKind::shutdown, 0, 0, 0, tick_};
      }
      default:
        LS_ASSERT(!"an end of a run that was not asked for");
    }
  }
}

ExitReply ExitCounting::leave(const Exit& exit) {
  Exit outer = exit;
  outer.tick = tick_;
  ExitReply reply = door_->leave(outer);
  bound_ = reply.bound;
  if (exit.kind != ExitKind::priority_read && exit.kind != ExitKind::priority_write) {
    tick_ = tick_ + 1;
    reply.bound = exit.tick + 1;  // the clock has moved
  } else {
    reply.bound = exit.tick + patience_instructions;
  }
  return reply;
}

}  // namespace lockstitch::interp
