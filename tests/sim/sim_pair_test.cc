// Thousands of histories of a pair, each from its seed, and bugs planted in some. LOCKSTITCH_SEED=n runs exactly that
// seed, LOCKSTITCH_SIM_PLANT=n with that Plant, LOCKSTITCH_SIM_SEEDS=n so many from LOCKSTITCH_SIM_FIRST=n on;
// LOCKSTITCH_SIM_TRACE=n tells more of the end of a history than its last 60 events.
#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "tests/sim/pair.h"

using namespace lockstitch::sim;

namespace {

std::optional<std::uint64_t> number_from(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == 0) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

/// Of one seed: the checker's sentence, or nothing. A seed that fails is run again to be told.
std::string sentence_of(std::uint64_t seed, Plant plant, Figures* figures, bool tell) {
  const Scenario scenario(seed, plant);
  Pair pair(scenario, tell);
  std::string sentence;
  try {
    pair.run();
  } catch (const Violation& violation) {
    sentence = violation.sentence;
  }
  if (figures != nullptr) figures->add(pair.figures());
  if (!tell) return sentence.empty() || plant != Plant::none ? sentence : sentence_of(seed, plant, nullptr, true);
  std::string text = sentence + "\nseed " + std::to_string(seed) +
                     "; the same again: LOCKSTITCH_SEED=" + std::to_string(seed) + " sim_pair\n";
  for (const std::string& line : pair.trace()) text += line + "\n";
  return sentence.empty() ? "" : text + pair.describe();
}

void print(const Figures& f, std::uint64_t seeds) {
  std::cout << seeds << " seeds: " << f.simulated / s << " s of host time, " << f.events << " events, " << f.faults
            << " faults, " << f.kills << " processes killed, " << f.cold_starts << " cold starts, " << f.joins
            << " joins, " << f.take_overs << " take-overs, " << f.effects << " effects seen (" << f.duplicates
            << " twice), " << f.answered << " requests answered, " << f.guests_ended
            << " processes ended by the guest, " << f.nobody_may_lead << " pairs that nobody may lead" << std::endl;
}

}  // namespace

TEST_CASE("whatever fails when, no effect is lost, doubled differently or let out by two, and the pair mends itself") {
  if (const auto seed = number_from("LOCKSTITCH_SEED")) {
    const auto plant = static_cast<Plant>(number_from("LOCKSTITCH_SIM_PLANT").value_or(0));
    const std::string sentence = sentence_of(*seed, plant, nullptr, plant != Plant::none);
    CHECK_MESSAGE(sentence.empty(), sentence);
    return;
  }
  const std::uint64_t seeds = number_from("LOCKSTITCH_SIM_SEEDS").value_or(2000);
  const std::uint64_t first = number_from("LOCKSTITCH_SIM_FIRST").value_or(1);
  Figures figures;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const std::string sentence = sentence_of(seed, Plant::none, &figures, false);
    REQUIRE_MESSAGE(sentence.empty(), sentence);
  }
  print(figures, seeds);
}

TEST_CASE("a planted bug is found within a thousand seeds") {
  struct Planted {
    Plant plant;
    const char* name;
  };
  static constexpr Planted all[] = {{Plant::release_before_ack, "release before the acknowledgement"},
                                    {Plant::no_term_check, "no check of the term"},
                                    {Plant::early_arrival, "an arrival one tick early"},
                                    {Plant::dropped_entry, "an acknowledged entry dropped at the take-over"},
                                    {Plant::early_in_sync, "in sync before the log of what left has been sent"}};
  for (const Planted& planted : all) {
    std::string sentence;
    std::uint64_t seed = 0;
    while (sentence.empty() && seed < 1000) sentence = sentence_of(++seed, planted.plant, nullptr, false);
    CHECK_MESSAGE(!sentence.empty(), std::string(planted.name));
    std::cout << planted.name << ": seed " << seed << ": " << sentence << std::endl;
  }
}
