// See memory_size.h.
#include "vmm/app/memory_size.h"

#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <charconv>

#include "lockstitch/limits.h"
#include "lockstitch/types.h"

namespace lockstitch::app {

Result<std::uint64_t> parse_memory_size(const std::string& text) {
  const char* const end = text.data() + text.size();
  std::uint64_t number = 0;
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  if (unit == text.data() || (error == std::errc{} && end - unit > 1)) {
    return Error{ExitCode::usage, fmt::format("'{}' is no size of memory; write for example 512M or 2G", text)};
  }
  unsigned shift = 0;
  if (unit != end) {
    switch (*unit) {
      case 'k':
      case 'K':
        shift = 10;
        break;
      case 'm':
      case 'M':
        shift = 20;
        break;
      case 'g':
      case 'G':
        shift = 30;
        break;
      case 't':
      case 'T':
        shift = 40;
        break;
      default:
        return Error{ExitCode::usage, fmt::format("'{}' is no size of memory; write for example 512M or 2G", text)};
    }
  } else if (number != 0) {
    return Error{ExitCode::usage, fmt::format("the size '{}' has no unit; write for example {}M", text, text)};
  }
  const bool overflows = error != std::errc{} || number > (~std::uint64_t{0} >> shift);
  const std::uint64_t bytes = overflows ? 0 : number << shift;
  if (overflows || bytes < limits::memory_min_bytes || bytes > limits::memory_max_bytes) {
    return Error{ExitCode::usage,
                 fmt::format("a guest cannot have {} of memory; give it from {} to {}", text,
                             memory_size_text(limits::memory_min_bytes), memory_size_text(limits::memory_max_bytes))};
  }
  if (bytes % page_bytes != 0) {
    return Error{ExitCode::usage, fmt::format("{} of memory is not a whole number of 4-KiB pages; round it", text)};
  }
  return bytes;
}

std::string memory_size_text(std::uint64_t bytes) {
  static constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB"};
  unsigned unit = 0;
  while (unit < 3 && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", bytes, units[unit]);
}

Outcome check_host_memory(std::uint64_t guest_bytes) {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return success();  // then the host itself will refuse
  const std::uint64_t host_bytes = (std::uint64_t{info.totalram} + info.totalswap) * info.mem_unit;
  if (guest_bytes <= host_bytes) return success();
  return Error{
      ExitCode::unavailable,
      fmt::format(
          "the guest is to have {} of memory, but this host has {} MiB with its swap space; give the guest less",
          memory_size_text(guest_bytes), host_bytes >> 20)};
}

}  // namespace lockstitch::app
