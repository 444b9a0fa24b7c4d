// Where a VNC server listens, as a person writes it.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::world {

struct VncPlace {
  std::string address;  ///< numeric
  std::uint16_t port = 5900;
  bool loopback = true;  ///< nobody on another host can reach it
};

/// `127.0.0.1:5900`, `[::1]:5900`, `localhost:5900`; without an address loopback is meant. A number below 100 is a
/// display: `:1` is port 5901. Fails: anything else.
Result<VncPlace> parse_vnc_place(const std::string& text);

}  // namespace lockstitch::world
