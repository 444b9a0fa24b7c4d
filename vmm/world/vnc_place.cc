// See vnc_place.h.
#include "vmm/world/vnc_place.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <cstring>

namespace lockstitch::world {

namespace {

constexpr unsigned first_port = 5900, displays = 100;

}  // namespace

Result<VncPlace> parse_vnc_place(const std::string& text) {
  const Error none{
      ExitCode::usage,
      fmt::format("'{}' is no place for a VNC server; write ADDRESS:PORT, as 127.0.0.1:5900, or a display, "
                  "as :1",
                  text)};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return none;
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, number);
  if (error != std::errc() || stop != end || number > 65'535) return none;

  VncPlace place;
  place.port = static_cast<std::uint16_t>(number < displays ? first_port + number : number);
  place.address = text.substr(0, colon);
  if (place.address.empty() || place.address == "localhost") place.address = "127.0.0.1";
  if (place.address.starts_with('[') && place.address.ends_with(']')) {
    place.address = place.address.substr(1, place.address.size() - 2);
    in6_addr v6{};
    if (::inet_pton(AF_INET6, place.address.c_str(), &v6) != 1) return none;
    place.loopback = std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
    return place;
  }
  in_addr v4{};
  if (::inet_pton(AF_INET, place.address.c_str(), &v4) != 1) return none;
  place.loopback = ntohl(v4.s_addr) >> 24 == 127;
  return place;
}

}  // namespace lockstitch::world
