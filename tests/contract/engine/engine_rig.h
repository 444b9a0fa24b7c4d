// One engine over a rig's memory, a door that answers as the test says, and runs that are repeated until something
// happens. Every run and every exit is held against the contract of its engine's ticks, whatever the test is about.
#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/contract/engine/engines.h"
#include "tests/contract/engine/guest_code.h"
#include "tests/contract/engine/rig_memory.h"
#include "tests/contract/support/state_image.h"

namespace lockstitch::test {

/// "port_write 80/1 = 11", "memory_read 500010/4": numbers are hexadecimal, the width is behind the slash.
std::string text_of(const Exit& exit);
std::string_view name_of(ExitKind kind);

/// What devices of the rig answer by themselves: byte i of a register at `address` is (address + i) * 7 + 3.
std::uint64_t pattern(std::uint64_t address, unsigned width);

class RigDoor final : public ExitDoor {
 public:
  explicit RigDoor(TickUnit ticks) : ticks_(ticks) {}
  ExitReply leave(const Exit& exit) override;

  void begin(const RunRequest& request);
  /// All exits since `seen` was emptied, one a line.
  std::string text() const;
  /// Of the run: what a tick is to engines that count exits.
  std::uint64_t counted() const { return counted_; }
  Tick bound() const { return bound_; }

  /// But for CR8: an engine may ask for it whenever it likes, and tell of it late.
  std::vector<Exit> seen;
  std::uint64_t priority = 0;        ///< CR8
  std::deque<std::uint64_t> values;  ///< replies to reads, in order; behind them the pattern
  /// May change the reply. Must not throw: CHECK, not REQUIRE.
  std::function<void(const Exit& exit, ExitReply& reply)> answer;

 private:
  TickUnit ticks_;
  Tick last_, bound_;
  std::uint64_t counted_ = 0;
};

class EngineRig {
 public:
  explicit EngineRig(const EngineUnderTest& under_test);
  virtual ~EngineRig() = default;
  EngineRig(const EngineRig&) = delete;
  EngineRig& operator=(const EngineRig&) = delete;

  /// One run of `length` ticks; start, bound and clock of the request are filled in.
  Exit run(std::uint64_t length, RunRequest request = {});
  /// Runs until a run ends so, through as many that end at their bound as it takes. An interrupt or NMI of the request
  /// goes into the first run only. Fails: the test, at any other end and when nothing happens for very long.
  Exit run_until(ExitKind end, RunRequest request = {});
  /// Runs until so many exits have been seen.
  void run_until_seen(std::size_t exits);

  /// Changes a copy of the state and loads it.
  template <class Change>
  void change(Change change_state) {
    CpuState s = engine->state();
    change_state(s);
    engine->set_state(s);
  }
  /// The next run begins at `rip`, after a HLT as well.
  void go_to(std::uint64_t rip);
  std::uint64_t gpr(Gpr which) const { return engine->state().gpr[unsigned(which)]; }
  std::string where() const;
  /// The state now, but for the offset of a counter that the host's time drives.
  StateImage image() const { return comparable(engine->state()); }
  StateImage comparable(CpuState state) const;

  const EngineUnderTest kind;
  RigMemory memory;
  std::unique_ptr<Engine> engine;  // behind the memory that it uses
  RigDoor door;
  Tick tick{1000};
  ClockLine clock;
  /// Unit: ticks, of the next run of run_until(). Long enough that tests end soon, if not set.
  std::function<std::uint64_t()> next_length;
  /// Called by run_until() wherever a run ends at its bound.
  std::function<void()> at_bound;
};

/// A length of runs that cuts a program into pieces, and one that never comes.
std::uint64_t short_length(TickUnit ticks, std::uint64_t random);
std::uint64_t endless_length(TickUnit ticks);

/// As a list of fields: difference() of two names the first that is not equal.
StateImage image_of(const CpuState& state);

/// The body of a test case: one subcase for each engine, which every failure then names.
template <class Claim>
void for_each_engine(Claim claim) {
  for (const EngineUnderTest& kind : engines()) {
    SUBCASE(kind.name.c_str()) {
      INFO("engine: ", kind.name);
      claim(kind);
    }
  }
}

}  // namespace lockstitch::test
