// See rtc_start.h.
#include "vmm/app/rtc_start.h"

#include <fmt/format.h>
#include <time.h>

#include <charconv>
#include <string_view>

namespace lockstitch::app {

Result<std::uint64_t> parse_rtc_start(const std::string& text) {
  const Error bad{
      ExitCode::usage,
      fmt::format("'{}' is no date from 1980 to 2099 in UTC; write for example 2020-01-31T12:00:00Z, now, or local", text)};
  // Every digit of the pattern is a digit of the date, everything else stands for itself.
  constexpr std::string_view pattern = "0000-00-00T00:00:00Z";
  if (text.size() != pattern.size()) return bad;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (pattern[i] == '0' ? !digit : text[i] != pattern[i]) return bad;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  struct tm date {};
  date.tm_year = number(0, 4) - 1900;
  date.tm_mon = number(5, 2) - 1;
  date.tm_mday = number(8, 2);
  date.tm_hour = number(11, 2);
  date.tm_min = number(14, 2);
  date.tm_sec = number(17, 2);
  if (date.tm_year < 80 || date.tm_year > 199) return bad;
  const auto seconds = static_cast<std::uint64_t>(::timegm(&date));
  if (rtc_start_text(seconds) != text) return bad;  // a 30th of February
  return seconds;
}

std::string rtc_start_text(std::uint64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  struct tm date {};
  ::gmtime_r(&time, &date);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday,
                     date.tm_hour, date.tm_min, date.tm_sec);
}

}  // namespace lockstitch::app
