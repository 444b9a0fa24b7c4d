// `--serial` and `--console`: where a console of the guest is connected.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "vmm/app/path_base.h"

namespace lockstitch::app {

struct ConsoleSetting {
  enum class Kind : std::uint8_t { none, stdio, file };

  Kind kind = Kind::none;
  std::string file;  ///< gets the output; for stdio a copy of it, or empty
};

/// `none`, `stdio[,log=PATH]` or `file:PATH`
Result<ConsoleSetting> parse_console(const std::string& text, const PathBase& base);

}  // namespace lockstitch::app
