// See settings.h.
#include "tools/wire/settings.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace lockstitch::wire {

namespace {

constexpr double max_delay_ms = 60'000;

template <class Number>
std::optional<Number> number(std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  // A NaN is refused too.
  if (!(value >= least && value <= most)) return std::nullopt;
  return value;
}

/// Result: empty, or what is wrong.
std::string apply(std::string_view word, std::string_view rest, Settings& settings) {
  if (word == "delay" || word == "jitter") {
    const auto ms = number<double>(rest, 0, max_delay_ms);
    if (!ms) return "a number of milliseconds from 0 to 60000 is needed";
    (word == "delay" ? settings.delay_ns : settings.jitter_ns) = static_cast<std::int64_t>(*ms * 1e6);
  } else if (word == "loss") {
    const auto percent = number<double>(rest, 0, 100);
    if (!percent) return "a percentage from 0 to 100 is needed";
    settings.loss_percent = *percent;
  } else if (word == "seed") {
    const auto seed = number<std::uint64_t>(rest, 0, UINT64_MAX);
    if (!seed) return "a number is needed";
    settings.random.seed(*seed);
  } else if (word == "cut") {
    if (rest != "ab" && rest != "ba" && rest != "both") return "what to cut is ab, ba or both";
    if (rest != "ba") settings.cut_ab = true;
    if (rest != "ab") settings.cut_ba = true;
  } else if (word == "mend" && rest.empty()) {
    settings.cut_ab = settings.cut_ba = false;
  } else if (word == "reset" && rest.empty()) {
    settings = Settings{};
  } else {
    return "the commands are delay, jitter, loss, seed, cut, mend, reset and quit";
  }
  return "";
}

}  // namespace

Verdict obey(std::string_view line, Settings& settings, std::string& answer) {
  if (line == "quit") {
    answer += "ok\n";
    return Verdict::quit;
  }
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string problem = apply(line.substr(0, space), line.substr(std::min(space + 1, line.size())), settings);
  answer += problem.empty() ? "ok\n" : "error: " + problem + "\n";
  return Verdict::go_on;
}

bool loses(Settings& settings) {
  if (settings.loss_percent == 0) return false;
  return std::uniform_real_distribution<double>(0, 100)(settings.random) < settings.loss_percent;
}

std::int64_t travel_ns(Settings& settings) {
  if (settings.jitter_ns == 0) return settings.delay_ns;
  auto more = std::uniform_int_distribution<std::int64_t>(-settings.jitter_ns, settings.jitter_ns);
  return std::max<std::int64_t>(0, settings.delay_ns + more(settings.random));
}

}  // namespace lockstitch::wire
