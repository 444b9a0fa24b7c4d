// HOST[:PORT] as a person writes it.
#pragma once
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::sync {

struct HostPort {
  std::string host;   ///< a name, an IPv4 address, or an IPv6 address without its brackets
  unsigned port = 0;  ///< 0 may stand for any that is free
  /// As kj::Network takes it.
  std::string text() const;
};

/// Fails: says what is wrong, as the part of a sentence.
Result<HostPort> parse_host_port(const std::string& text, unsigned default_port);

}  // namespace lockstitch::sync
