// Something of the host that the world's loop serves: a terminal, a network, the signals. All methods are called on the
// world thread only, once world.start() was called.
#pragma once
#include <poll.h>

#include <span>
#include <vector>

#include "lockstitch/arrival.h"
#include "lockstitch/types.h"

namespace lockstitch::world {

/// Order: every turn of the loop calls want, timeout_ms, (poll), ready, then send for each departure.
class Endpoint {
 public:
  virtual ~Endpoint() = default;

  /// The port whose effects come here. control_port: none do.
  virtual PortId port() const = 0;
  /// Appends what to wait for.
  virtual void want(std::vector<pollfd>& fds) = 0;
  /// Unit: ms. The longest that poll may wait; -1: no limit.
  virtual int timeout_ms() { return -1; }
  /// The same entries that want() appended, filled in; also called when none is ready.
  virtual void ready(std::span<const pollfd> fds) = 0;
  virtual void send(Bytes payload) { (void)payload; }
  /// Bytes that must still get out before the world may end.
  virtual std::size_t unsent() const { return 0; }
};

}  // namespace lockstitch::world
