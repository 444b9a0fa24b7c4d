// No cache is architectural and no bound is visible: one program, run in many ways, ends the same.
// LOCKSTITCH_SEED picks the programs, LOCKSTITCH_CASES how many.
#include <doctest/doctest.h>

#include <sstream>

#include "tests/unit/interp/program.h"

namespace lockstitch::test {
namespace {

using differential::number_from_env;

constexpr std::uint64_t ticks_each = 4000;

// Empty if equal; else the first difference.
std::string difference(const Ending& a, const Ending& b) {
  for (std::size_t i = 0; i < std::max(a.lines.size(), b.lines.size()); ++i) {
    const std::string x = i < a.lines.size() ? a.lines[i] : "nothing", y = i < b.lines.size() ? b.lines[i] : "nothing";
    if (x != y) return x + "  instead of  " + y;
  }
  for (std::size_t i = 0; i < a.memory.size(); ++i)
    if (a.memory[i] != b.memory[i]) {
      char text[80];
      std::snprintf(text, sizeof text, "memory at %zx: %02x instead of %02x", i, b.memory[i], a.memory[i]);
      return text;
    }
  return {};
}

// The last tick at which both ways still agree, and what comes next there.
std::string first_split(const Program& program, const Manner& one, const Manner& other, std::uint64_t ticks) {
  std::uint64_t good = 0, bad = ticks;
  while (bad - good > 1) {
    const std::uint64_t middle = (good + bad) / 2;
    (difference(run_program(program, middle, one), run_program(program, middle, other)).empty() ? good : bad) = middle;
  }
  const Ending before = run_program(program, good, one);
  return "agree up to tick " + std::to_string(good) + ", next is " + before.at + "\n  after it: " +
         difference(run_program(program, bad, one), run_program(program, bad, other));
}

void compare_ways(const char* claim, const Manner& manner, std::uint64_t programs) {
  const std::uint64_t seed = number_from_env("LOCKSTITCH_SEED", 1);
  programs = number_from_env("LOCKSTITCH_CASES", programs);
  std::uint64_t failures = 0;
  for (std::uint64_t i = 0; i < programs && failures < 3; ++i) {
    const Program program = random_program(seed + i, ticks_each);
    Manner other = manner;
    other.seed = seed * 77 + i;
    const std::string found = difference(run_program(program, ticks_each, {}), run_program(program, ticks_each, other));
    if (found.empty()) continue;
    ++failures;
    std::ostringstream text;
    text << claim << ": program " << seed + i << " ends differently: " << found << "\n  " << first_split(program, {}, other, ticks_each)
         << "\n  again: LOCKSTITCH_SEED=" << seed + i << " LOCKSTITCH_CASES=1 unit_interp_programs -tc='" << claim << "'";
    FAIL_CHECK(text.str());
  }
}

}  // namespace

TEST_CASE("the same program run twice ends the same") { compare_ways("the same program*", {}, 40); }

TEST_CASE("where runs are cut changes nothing") {
  Manner manner;
  manner.longest = 60;
  compare_ways("where runs are cut*", manner, 120);
}

TEST_CASE("stopping at every tick changes nothing") {
  Manner manner;
  manner.longest = 1;
  compare_ways("stopping at every tick*", manner, 60);
}

TEST_CASE("dropping every cache at random stops changes nothing") {
  Manner manner;
  manner.longest = 100;
  manner.drop_percent = 50;
  compare_ways("dropping every cache*", manner, 120);
}

TEST_CASE("taking the state out and putting it back at random stops changes nothing") {
  Manner manner;
  manner.longest = 100;
  manner.reload_percent = 50;
  compare_ways("taking the state out*", manner, 120);
}

TEST_CASE("being told of a new memory map or of cleared dirty bits changes nothing") {
  Manner manner;
  manner.longest = 100;
  manner.remap_percent = 50;
  compare_ways("being told of*", manner, 80);
}

TEST_CASE("bounds shortened by replies through the door change nothing") {
  Manner manner;
  manner.shorten_percent = 60;
  compare_ways("bounds shortened*", manner, 80);
}

TEST_CASE("all of it at once changes nothing") {
  Manner manner;
  manner.longest = 40;
  manner.drop_percent = 20;
  manner.reload_percent = 20;
  manner.remap_percent = 10;
  manner.shorten_percent = 30;
  compare_ways("all of it*", manner, 120);
}

TEST_CASE("random programs do something") {
  std::uint64_t changed = 0, exits = 0;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    const Program program = random_program(i, ticks_each);
    const Ending early = run_program(program, ticks_each / 2, {}), late = run_program(program, ticks_each, {});
    changed += early.memory != late.memory;
    exits += late.lines.size() - early.lines.size();
  }
  CHECK(changed >= 8);
  CHECK(exits > 0);
}

}  // namespace lockstitch::test
