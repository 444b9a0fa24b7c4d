// Seconds since 1970 and the calendar date, both ways (proleptic Gregorian). Integers only, no host library.
#pragma once
#include <cstdint>

namespace lockstitch {

struct CalendarTime {
  std::uint32_t year = 1970;
  std::uint32_t month = 1;  ///< Range: 1..12
  std::uint32_t day = 1;    ///< Range: 1..31
  std::uint32_t hour = 0, minute = 0, second = 0;
};

/// Range: year 1970..9999, fields as in CalendarTime; a day past the end of its month counts into the next one.
constexpr std::uint64_t seconds_of(const CalendarTime& t) {
  // Years start in March, so that the leap day is the last day of a year.
  const std::uint64_t y = t.year - (t.month <= 2 ? 1 : 0), m = t.month + (t.month <= 2 ? 9 : -3);
  const std::uint64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + t.day - 1;
  constexpr std::uint64_t days_to_1970 = 719'468;
  return ((days - days_to_1970) * 24 + t.hour) * 3600 + t.minute * 60 + t.second;
}

constexpr CalendarTime calendar_of(std::uint64_t seconds) {
  CalendarTime t;
  t.second = static_cast<std::uint32_t>(seconds % 60);
  t.minute = static_cast<std::uint32_t>(seconds / 60 % 60);
  t.hour = static_cast<std::uint32_t>(seconds / 3600 % 24);
  const std::uint64_t days = seconds / 86'400 + 719'468;
  const std::uint64_t era = days / 146'097, of_era = days % 146'097;  // 400 years
  const std::uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t m = (5 * of_year + 2) / 153;
  t.day = static_cast<std::uint32_t>(of_year - (153 * m + 2) / 5 + 1);
  t.month = static_cast<std::uint32_t>(m < 10 ? m + 3 : m - 9);
  t.year = static_cast<std::uint32_t>(year_of_era + 400 * era + (t.month <= 2 ? 1 : 0));
  return t;
}

}  // namespace lockstitch
