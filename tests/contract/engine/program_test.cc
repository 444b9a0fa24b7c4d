// Random programs: every engine ends them as the reference does, and however they are run. LOCKSTITCH_SEED picks the
// programs, LOCKSTITCH_CASES how many.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/contract/engine/random_program.h"
#include "tests/contract/support/random.h"

namespace lockstitch::test {
namespace {

constexpr std::size_t instructions_each = 250;

std::uint64_t cases(std::uint64_t otherwise) {
  const char* text = std::getenv("LOCKSTITCH_CASES");
  return text != nullptr && *text != 0 ? std::strtoull(text, nullptr, 0) : otherwise;
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char two[4];
    std::snprintf(two, sizeof two, "%02x ", byte);
    text += two;
  }
  return text;
}

using Ending = std::function<Outcome(std::size_t instructions)>;

// The shortest beginning of the program that ends differently, if longer ones do as well.
std::string first_split(const RandomProgram& program, const Ending& one, const Ending& other) {
  std::size_t good = 0, bad = program.instructions.size();
  while (bad - good > 1) {
    const std::size_t middle = (good + bad) / 2;
    (difference(one(middle), other(middle)).empty() ? good : bad) = middle;
  }
  return "first differs behind instruction " + std::to_string(bad) + ", " + hex(program.instructions[bad - 1]) + ": " +
         difference(one(bad), other(bad));
}

void compare(const EngineUnderTest& kind, std::uint64_t number_of_programs, const std::string& claim,
             const Manner& manner, const std::function<Outcome(const RandomProgram&, std::size_t)>& reference,
             bool same_ticks) {
  const std::uint64_t seed = run_seed(), count = cases(number_of_programs);
  std::uint64_t stops = 0, failures = 0;
  for (std::uint64_t i = 0; i < count && failures < 3; ++i) {
    const std::uint64_t number = seed + i;
    INFO(kind.name, ", again: LOCKSTITCH_SEED=", number, " LOCKSTITCH_CASES=1 contract_engine -tc='", claim, "'");
    const RandomProgram program = random_program(number, instructions_each);
    Manner how = manner;
    how.seed = number * 77;
    const Ending expected = [&](std::size_t n) { return reference(program, n); };
    const Ending found = [&](std::size_t n) { return run_program(kind, program, n, how); };
    const Outcome a = expected(instructions_each), b = found(instructions_each);
    stops += b.stops;
    const std::string what = difference(a, b);
    if (!what.empty()) {
      ++failures;
      const std::string split = first_split(program, expected, found);
      FAIL_CHECK("program ", number, " ends differently: ", what, "\n  ", split);
    }
    if (same_ticks) CHECK(b.ticks == a.ticks);
    CHECK(b.written_not_marked.empty());
  }
  if (manner.cut && count >= 10) CHECK(stops > 20);  // else nothing was cut
}

void compare_with_itself(const EngineUnderTest& kind, const std::string& claim, const Manner& manner) {
  const auto whole = [&](const RandomProgram& program, std::size_t n) { return run_program(kind, program, n, {}); };
  compare(kind, 15, claim, manner, whole, kind.ticks != TickUnit::host_ns);
}

}  // namespace

TEST_CASE("a random program ends with the reference's registers, memory and exits") {
  for_each_engine([](const EngineUnderTest& kind) {
    const EngineUnderTest reference = engines().front();
    const auto on_reference = [&](const RandomProgram& program, std::size_t n) {
      return run_program(reference, program, n, {});
    };
    compare(kind, 40, "a random program*", {}, on_reference, false);
  });
}

TEST_CASE("where runs are cut changes nothing") {
  for_each_engine([](const EngineUnderTest& kind) {
    Manner manner;
    manner.cut = true;
    compare_with_itself(kind, "where runs are cut*", manner);
  });
}

TEST_CASE("dropping every cache at random stops changes nothing") {
  for_each_engine([](const EngineUnderTest& kind) {
    Manner manner;
    manner.cut = true;
    manner.drop_percent = 50;
    compare_with_itself(kind, "dropping every cache*", manner);
  });
}

TEST_CASE("taking the state out and putting it back at random stops changes nothing") {
  for_each_engine([](const EngineUnderTest& kind) {
    Manner manner;
    manner.cut = true;
    manner.reload_percent = 50;
    compare_with_itself(kind, "taking the state out*", manner);
  });
}

TEST_CASE("being told of a new map or of cleared dirty bits at random stops changes nothing") {
  for_each_engine([](const EngineUnderTest& kind) {
    Manner manner;
    manner.cut = true;
    manner.tell_percent = 50;
    compare_with_itself(kind, "being told of*", manner);
  });
}

TEST_CASE("bounds that replies shorten change nothing") {
  for_each_engine([](const EngineUnderTest& kind) {
    Manner manner;
    manner.shorten_percent = 50;
    compare_with_itself(kind, "bounds that replies*", manner);
  });
}

TEST_CASE("all of it at once changes nothing") {
  for_each_engine([](const EngineUnderTest& kind) {
    Manner manner;
    manner.cut = true;
    manner.drop_percent = manner.reload_percent = manner.tell_percent = 20;
    manner.shorten_percent = 30;
    compare_with_itself(kind, "all of it*", manner);
  });
}

TEST_CASE("random programs do something") {
  std::uint64_t exits = 0, changed = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const RandomProgram program = random_program(seed, instructions_each);
    const Outcome half = run_program(engines().front(), program, instructions_each / 2, {});
    const Outcome whole = run_program(engines().front(), program, instructions_each, {});
    exits += static_cast<std::uint64_t>(std::count(whole.exits.begin(), whole.exits.end(), '\n'));
    changed += half.memory != whole.memory;
  }
  CHECK(exits > 50);
  CHECK(changed == 5);
}

}  // namespace lockstitch::test
