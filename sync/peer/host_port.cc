// See host_port.h.
#include "sync/peer/host_port.h"

#include <algorithm>
#include <charconv>

namespace lockstitch::sync {
namespace {

bool is_host(const std::string& host, bool in_brackets) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [&](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '.' || (in_brackets ? c == ':' || c == '%' : c == '-' || c == '_');
  });
}

}  // namespace

std::string HostPort::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Result<HostPort> parse_host_port(const std::string& text, unsigned default_port) {
  HostPort parsed{"", default_port};
  const bool in_brackets = text.starts_with("[");
  const std::size_t host_end = in_brackets ? text.find(']') : text.find(':');
  parsed.host =
      in_brackets ? text.substr(1, host_end == std::string::npos ? host_end : host_end - 1) : text.substr(0, host_end);
  if (!is_host(parsed.host, in_brackets) || (in_brackets && host_end == std::string::npos)) {
    return Error{ExitCode::usage, "'" + text + "' names no host"};
  }
  const std::string rest = host_end == std::string::npos ? "" : text.substr(host_end + (in_brackets ? 1 : 0));
  if (rest.empty()) return parsed;
  const char* const end = rest.data() + rest.size();
  const auto [stop, error] = std::from_chars(rest.data() + 1, end, parsed.port);
  if (rest[0] != ':' || error != std::errc{} || stop != end || parsed.port > 65535) {
    return Error{ExitCode::usage, "'" + rest + "' is no port"};
  }
  return parsed;
}

}  // namespace lockstitch::sync
