// See console_setting.h.
#include "vmm/app/console_setting.h"

#include <fmt/format.h>

#include <string_view>

namespace lockstitch::app {

Result<ConsoleSetting> parse_console(const std::string& text, const PathBase& base) {
  constexpr std::string_view to_file = "file:", with_log = "stdio,log=";
  ConsoleSetting console;
  if (text == "none") return console;
  if (text == "stdio") {
    console.kind = ConsoleSetting::Kind::stdio;
    return console;
  }
  for (const std::string_view start : {to_file, with_log}) {
    if (!text.starts_with(start) || text.size() == start.size()) continue;
    console.kind = start == to_file ? ConsoleSetting::Kind::file : ConsoleSetting::Kind::stdio;
    console.file = base.resolve(text.substr(start.size()));
    return console;
  }
  return Error{ExitCode::usage,
               fmt::format("'{}' is no place for a console; it is stdio, stdio,log=PATH, file:PATH or none", text)};
}

}  // namespace lockstitch::app
