// Where a debugger connects: a TCP port of this host or a UNIX socket. One debugger at a time; another one is turned
// away. Who can connect can read and change all of a machine, so other hosts are let in only when the person says so.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "lockstitch/result.h"
#include "vmm/gdb/wire.h"

namespace lockstitch::gdb {

class Listener {
 public:
  virtual ~Listener() = default;

  /// `place`: `:1234`, `1234` (loopback), `ADDRESS:1234`, `unix:PATH`. `stop_asked` is looked at while waiting. Fails:
  /// not a place, another host could connect and `allow_remote` is not set, the place is taken.
  static Result<std::unique_ptr<Listener>> open(const std::string& place, bool allow_remote,
                                                std::function<bool()> stop_asked);

  /// What gdb's `target remote` needs.
  virtual std::string place() const = 0;
  /// Waits for a debugger. Null: the program is to end.
  virtual std::unique_ptr<Wire> accept() = 0;
  /// Does not wait. Null: nobody is there.
  virtual std::unique_ptr<Wire> poll() = 0;
};

}  // namespace lockstitch::gdb
