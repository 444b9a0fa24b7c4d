// The wire's commands, and what they make of its settings.
#include "tools/wire/settings.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace lockstitch::wire;

namespace {

std::string answer_to(Settings& settings, std::string_view line) {
  std::string answer;
  CHECK(obey(line, settings, answer) == Verdict::go_on);
  return answer;
}

}  // namespace

TEST_CASE("each command sets what it names, and reset undoes all of them") {
  Settings settings;
  CHECK(answer_to(settings, "delay 1.5") == "ok\n");
  CHECK(settings.delay_ns == 1'500'000);
  CHECK(answer_to(settings, "jitter 2") == "ok\n");
  CHECK(settings.jitter_ns == 2'000'000);
  CHECK(answer_to(settings, "loss 12.5") == "ok\n");
  CHECK(settings.loss_percent == 12.5);
  CHECK(answer_to(settings, "cut ab") == "ok\n");
  CHECK((settings.cut_ab && !settings.cut_ba));
  CHECK(answer_to(settings, "cut ba") == "ok\n");
  CHECK((settings.cut_ab && settings.cut_ba));
  CHECK(answer_to(settings, "mend") == "ok\n");
  CHECK((!settings.cut_ab && !settings.cut_ba));
  CHECK(settings.delay_ns == 1'500'000);
  CHECK(answer_to(settings, "cut both") == "ok\n");
  CHECK((settings.cut_ab && settings.cut_ba));
  CHECK(answer_to(settings, "reset") == "ok\n");
  CHECK((!settings.cut_ab && !settings.cut_ba));
  CHECK(settings.delay_ns == 0);
  CHECK(settings.jitter_ns == 0);
  CHECK(settings.loss_percent == 0);
}

TEST_CASE("what is no command changes nothing and is answered with an error") {
  Settings settings;
  for (const char* line : {"",         "delay",      "delay x",  "delay -1",  "delay 60001", "delay nan", "delay 1 2",
                           "delay 1 ", "jitter inf", "loss 101", "loss -0.1", "seed -1",     "seed",      "cut",
                           "cut a",    "cut ab ba",  "mend x",   "reset all", "Quit",        "quit now"}) {
    CAPTURE(line);
    CHECK(answer_to(settings, line).starts_with("error: "));
  }
  CHECK(settings.delay_ns == 0);
  CHECK(settings.loss_percent == 0);
  CHECK((!settings.cut_ab && !settings.cut_ba));
}

TEST_CASE("quit is answered and ends") {
  Settings settings;
  std::string answer;
  CHECK(obey("quit", settings, answer) == Verdict::quit);
  CHECK(answer == "ok\n");
}

TEST_CASE("the same seed loses the same frames, and about as many as told") {
  const auto losses = [](const char* seed) {
    Settings settings;
    answer_to(settings, seed);
    answer_to(settings, "loss 25");
    std::string pattern;
    for (int i = 0; i < 4000; ++i) pattern += loses(settings) ? 'x' : '.';
    return pattern;
  };
  CHECK(losses("seed 5") == losses("seed 5"));
  CHECK(losses("seed 5") != losses("seed 6"));
  const std::string pattern = losses("seed 5");
  const auto lost = std::count(pattern.begin(), pattern.end(), 'x');
  CHECK(lost > 800);
  CHECK(lost < 1200);
}

TEST_CASE("the extremes of loss are all and nothing") {
  Settings settings;
  int lost = 0;
  for (int i = 0; i < 1000; ++i) lost += loses(settings);
  CHECK(lost == 0);
  answer_to(settings, "loss 100");
  for (int i = 0; i < 1000; ++i) lost += loses(settings);
  CHECK(lost == 1000);
}

TEST_CASE("jitter stays within its bounds and never goes below zero") {
  Settings settings;
  answer_to(settings, "delay 10");
  answer_to(settings, "jitter 4");
  bool less = false, more = false;
  for (int i = 0; i < 1000; ++i) {
    const auto travel = travel_ns(settings);
    REQUIRE(travel >= 6'000'000);
    REQUIRE(travel <= 14'000'000);
    (travel < 10'000'000 ? less : more) = true;
  }
  CHECK((less && more));
  answer_to(settings, "delay 0");
  for (int i = 0; i < 1000; ++i) REQUIRE(travel_ns(settings) >= 0);
}
