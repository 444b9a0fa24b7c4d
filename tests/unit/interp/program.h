// Random user programs for tests that run one program in several ways: every kind of instruction, faults, stores into the
// code and into the page tables, device registers, interrupts and DMA at fixed ticks.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tests/differential/random.h"
#include "tests/unit/interp/rig.h"

namespace lockstitch::test {

/// Something from outside at a tick.
struct Event {
  std::uint64_t tick = 0;
  bool interrupt = false;
  std::uint8_t vector = 0;         ///< interrupt
  Gpa at = 0;                      ///< DMA
  std::vector<std::uint8_t> bytes;
};

struct Program {
  std::vector<std::uint8_t> code;  ///< for code_base
  CpuState start;
  std::vector<Event> events;       ///< by tick
};

Program random_program(std::uint64_t seed, std::uint64_t ticks);

/// How the run is cut up. Nothing of this may change the outcome.
struct Manner {
  std::uint64_t seed = 0;
  std::uint64_t longest = ~0ull;    ///< Unit: ticks; bounds are random up to here
  unsigned drop_percent = 0;        ///< of stops at which all caches are dropped
  unsigned reload_percent = 0;      ///< of stops at which the state is taken out and put back
  unsigned remap_percent = 0;       ///< of stops at which the memory map or the dirty bits are said to have changed
  unsigned shorten_percent = 0;     ///< of exits through the door that end the run after the instruction
};

struct Ending {
  std::vector<std::string> lines;   ///< state, then every exit through the door
  std::vector<std::uint8_t> memory;
  std::string at;                   ///< the next instruction
};

Ending run_program(const Program& program, std::uint64_t ticks, const Manner& manner);

}  // namespace lockstitch::test
