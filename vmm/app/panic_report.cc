// See panic_report.h.
#include "vmm/app/panic_report.h"

#include <fmt/format.h>

#include <array>

#include "vmm/app/message.h"

namespace lockstitch::app {

std::string panic_text(Bytes event) {
  if (event.size() != 1) return "";
  if (event[0] == 1) return "the guest says that its kernel has crashed";
  if (event[0] == 2) return "the guest says that its kernel has crashed and a crash kernel takes over";
  return "";
}

std::string crash_text(Bytes report) {
  constexpr std::size_t words = 6;  // P0 to P4, and what was written to the control register
  if (report.size() != 8 * words) return "";
  std::array<std::uint64_t, words> p{};
  for (std::size_t i = 0; i < report.size(); ++i) p[i / 8] |= std::uint64_t{report[i]} << (8 * (i % 8));
  return fmt::format("the guest reports a crash: bug check {:#x} ({:#x}, {:#x}, {:#x}, {:#x})", p[0], p[1], p[2], p[3],
                     p[4]);
}

void PanicReport::send(Bytes payload) {
  if (const std::string text = text_(payload); !text.empty()) say(text);
}

}  // namespace lockstitch::app
