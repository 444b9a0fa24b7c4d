// See duration.h.
#include "vmm/app/duration.h"

#include <fmt/format.h>

#include <charconv>

namespace lockstitch::app {

Result<std::uint64_t> parse_duration(const std::string& text) {
  if (text == "none") return std::uint64_t{0};
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const std::string unit(stop, end);
  struct Unit {
    std::string_view name;
    std::uint64_t ns;
  };
  for (const Unit& known :
       {Unit{"s", 1'000'000'000}, Unit{"ms", 1'000'000}, Unit{"m", 60'000'000'000}, Unit{"h", 3'600'000'000'000}}) {
    if (error != std::errc{} || unit != known.name) continue;
    if (value > (std::uint64_t{1} << 63) / known.ns) break;
    return value * known.ns;
  }
  return Error{ExitCode::usage, fmt::format("'{}' is no length of time; write it as 60s, 500ms, 5m, 1h or none", text)};
}

}  // namespace lockstitch::app
