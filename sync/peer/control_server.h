// Where people and scripts ask a replica: a UNIX socket with one line in and one line out, and metrics over HTTP.
#pragma once
#include <kj/async-io.h>

#include <string>

#include "lockstitch/result.h"

namespace lockstitch::sync {

class ControlHandler {
 public:
  virtual ~ControlHandler() noexcept(false) = default;
  /// One line, without its end.
  virtual std::string command(const std::string& line) = 0;
  virtual std::string metrics() = 0;
};

class ControlServer {
 public:
  virtual ~ControlServer() noexcept(false) = default;
  /// `metrics`: address and port; empty: none. Fails: somebody else answers on the socket, a bad address.
  static Result<kj::Own<ControlServer>> open(kj::AsyncIoContext& io, const std::string& path,
                                             const std::string& metrics, ControlHandler& handler);
};

}  // namespace lockstitch::sync
