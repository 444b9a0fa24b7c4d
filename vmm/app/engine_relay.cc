// See engine_relay.h.
#include "vmm/app/engine_relay.h"

#include <algorithm>

#include "lockstitch/assert.h"

namespace lockstitch::app {

EngineRelay::EngineRelay(std::vector<std::unique_ptr<Engine>> engines, std::vector<Turn> turns)
    : engines_(std::move(engines)), turns_(std::move(turns)) {
  LS_ASSERT(!turns_.empty() && turns_.front().from == Tick{});
}

EngineTraits EngineRelay::traits() const {
  EngineTraits traits = engines_.front()->traits();
  for (const auto& engine : engines_) {
    const EngineTraits other = engine->traits();
    traits.counts_exactly &= other.counts_exactly && other.ticks == traits.ticks;
    traits.stops_exactly &= other.stops_exactly;
    traits.traps_tsc &= other.traps_tsc;
    traits.traps_random &= other.traps_random;
    traits.no_visible_tlb &= other.no_visible_tlb;
  }
  return traits;
}

// A checkpoint may have put the machine anywhere, so the turn is looked for at each run.
Exit EngineRelay::run(const RunRequest& request, ExitDoor& door) {
  std::size_t turn = turns_.size() - 1;
  while (turns_[turn].from > request.start) --turn;
  if (turn != turn_) change(turn);
  RunRequest cut = request;
  if (turn + 1 < turns_.size()) cut.bound = std::min(request.bound, turns_[turn + 1].from);
  if (cut.bound == request.bound) return current().run(request, door);

  // The part up to the change, and the rest.
  class CutDoor final : public ExitDoor {
   public:
    CutDoor(ExitDoor& outer, Tick limit, Tick whole) : bound(whole), outer_(outer), limit_(limit) {}
    ExitReply leave(const Exit& exit) override {
      ExitReply reply = outer_.leave(exit);
      bound = reply.bound;
      reply.bound = std::max(std::min(reply.bound, limit_), exit.tick + 1);
      return reply;
    }
    Tick bound;  ///< of the whole run

   private:
    ExitDoor& outer_;
    const Tick limit_;
  } cut_door(door, cut.bound, request.bound);
  const Exit exit = current().run(cut, cut_door);
  if (exit.kind != ExitKind::bound || exit.tick >= cut_door.bound) return exit;
  RunRequest rest = request;
  rest.start = exit.tick;
  rest.bound = cut_door.bound;
  rest.interrupt.reset();
  rest.nmi = false;
  return run(rest, door);
}

void EngineRelay::change(std::size_t turn) {
  const CpuState state = current().state();
  current().collect_writes();
  turn_ = turn;
  ++changes_;
  current().drop_caches();  // they are from before the other's turn
  current().set_state(state);
}

void EngineRelay::drop_caches() {
  for (const auto& engine : engines_) engine->drop_caches();
}

std::vector<EngineCounter> EngineRelay::engine_counters() const {
  std::vector<EngineCounter> all{{"engine_changes", changes_}};
  for (const auto& engine : engines_) {
    const auto more = engine->engine_counters();
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

void EngineRelay::memory_written(Gpa gpa, std::uint64_t length) {
  for (const auto& engine : engines_) engine->memory_written(gpa, length);
}

void EngineRelay::memory_remapped() {
  for (const auto& engine : engines_) engine->memory_remapped();
}

void EngineRelay::dirty_cleared() {
  for (const auto& engine : engines_) engine->dirty_cleared();
}

void EngineRelay::collect_writes() {
  for (const auto& engine : engines_) engine->collect_writes();
}

}  // namespace lockstitch::app
