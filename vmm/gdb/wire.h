// The bytes between a debugger and the stub. One implementation is a socket (listener.h), others are tests.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace lockstitch::gdb {

class Wire {
 public:
  virtual ~Wire() = default;
  /// Waits for bytes. Nothing: the debugger went away, or the program is to end.
  virtual std::optional<std::string> read() = 0;
  /// What is there already, perhaps nothing. Nothing at all (nullopt): as read().
  virtual std::optional<std::string> poll() = 0;
  /// False: the debugger went away.
  virtual bool write(std::string_view bytes) = 0;
};

}  // namespace lockstitch::gdb
