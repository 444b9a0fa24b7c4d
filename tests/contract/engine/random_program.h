// Random straight-line programs of arithmetic, memory, string, SSE and port instructions whose outcome the SDM defines
// in every bit, and what became of them. One seed is one program on every host and engine.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {

struct RandomProgram {
  std::uint64_t seed = 0;
  CpuState start;
  std::vector<std::uint8_t> data;  ///< at place::data
  /// Each leaves all flags defined. The last is followed by a comparison and HLT.
  std::vector<std::vector<std::uint8_t>> instructions;
};

RandomProgram random_program(std::uint64_t seed, std::size_t instructions);

/// How a program is run. What of it changes the outcome is a fault.
struct Manner {
  std::uint64_t seed = 0;
  bool cut = false;              ///< into runs of random lengths; else as long as possible
  unsigned drop_percent = 0;     ///< of the stops: all caches are dropped
  unsigned reload_percent = 0;   ///< the state is taken out and put back
  unsigned tell_percent = 0;     ///< the engine is told of a new map or of cleared dirty bits
  unsigned shorten_percent = 0;  ///< of the exits: the run ends behind them
};

struct Outcome {
  StateImage state;
  std::string exits;
  std::vector<std::uint8_t> memory;
  std::uint64_t ticks = 0;
  std::uint64_t stops = 0;              ///< runs that ended at a bound
  std::vector<Gpa> written_not_marked;  ///< pages that have changed without being marked dirty
};

/// The first `instructions` of it.
Outcome run_program(const EngineUnderTest& kind, const RandomProgram& program, std::size_t instructions,
                    const Manner& manner);

/// "" if equal, else the first difference. Without the ticks.
std::string difference(const Outcome& a, const Outcome& b);

}  // namespace lockstitch::test
