// See network_setting.h.
#include "vmm/app/network_setting.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "vmm/app/suggestion.h"

namespace lockstitch::app {

namespace {

constexpr std::array<std::string_view, 6> known_keys{"user", "tap", "none", "forward", "mac", "card"};

std::optional<std::uint16_t> port_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

}  // namespace

Result<world::Forward> parse_forward(const std::string& text) {
  const Error bad{ExitCode::usage,
                  fmt::format("'{}' is no port forward; write for example tcp:127.0.0.1:5433-:5432", text)};
  world::Forward forward;
  std::string_view rest = text;
  if (rest.starts_with("udp:")) {
    forward.udp = true;
  } else if (!rest.starts_with("tcp:")) {
    return bad;
  }
  rest.remove_prefix(4);
  const std::size_t arrow = rest.find("-:");
  if (arrow == rest.npos) return bad;
  const auto guest_port = port_number(rest.substr(arrow + 2));
  rest = rest.substr(0, arrow);
  const std::size_t colon = rest.rfind(':');
  if (colon == rest.npos) return bad;
  const auto host_port = port_number(rest.substr(colon + 1));
  if (!guest_port || !host_port) return bad;
  forward.host_addr = rest.substr(0, colon);
  forward.host_port = *host_port;
  forward.guest_port = *guest_port;
  return forward;
}

Result<std::array<std::uint8_t, 6>> parse_mac(const std::string& text) {
  const Error bad{ExitCode::usage,
                  fmt::format("'{}' is no address of a network card; write for example 02:4c:53:00:00:01", text)};
  std::array<std::uint8_t, 6> mac{};
  if (text.size() != 17) return bad;
  for (std::size_t i = 0; i < 6; ++i) {
    const char* digits = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, mac[i], 16);
    if (error != std::errc{} || end != digits + 2 || (i < 5 && *end != ':')) return bad;
  }
  if (mac[0] & 1) {
    return Error{ExitCode::usage,
                 fmt::format("'{}' addresses a group, not a network card; its first byte must be even", text)};
  }
  return mac;
}

Outcome NetworkSetting::choose(Kind chosen) {
  if (kind != Kind::none && kind != chosen) {
    return Error{ExitCode::usage, "a network is either 'user' or 'tap', not both"};
  }
  kind = chosen;
  return success();
}

std::span<const std::string_view> NetworkSetting::keys() { return known_keys; }

Outcome NetworkSetting::apply(const Item& item) {
  if (item.key == "user" || item.key == "none") {
    if (item.value) return Error{ExitCode::usage, fmt::format("a network's '{}' takes no value", item.key)};
    return item.key == "user" ? choose(Kind::user) : success();
  }
  if (item.key != "tap" && item.key != "forward" && item.key != "mac" && item.key != "card") {
    return Error{ExitCode::usage, fmt::format("a network has no '{}'{}", item.key,
                                              did_you_mean(item.key, known_keys, "it has " + listed(known_keys)))};
  }
  if (!item.value || item.value->empty()) {
    return Error{ExitCode::usage, fmt::format("a network's '{}' needs a value", item.key)};
  }
  if (item.key == "tap") {
    tap = *item.value;
    return choose(Kind::tap);
  }
  if (item.key == "forward") {
    auto forward = parse_forward(*item.value);
    if (!forward.ok()) return forward.error();
    forwards.push_back(std::move(forward).value());
    return success();
  }
  if (item.key == "card") {
    if (*item.value != "virtio" && *item.value != "e1000")
      return Error{ExitCode::usage, fmt::format("there is no network card '{}'; it is virtio or e1000", *item.value)};
    card = *item.value == "virtio" ? NetworkCard::virtio : NetworkCard::e1000;
    return success();
  }
  auto address = parse_mac(*item.value);
  if (!address.ok()) return address.error();
  mac = address.value();
  return success();
}

Outcome NetworkSetting::complete() const {
  if (!forwards.empty() && kind != Kind::user) {
    return Error{ExitCode::usage,
                 "port forwards are for the network 'user' only; a TAP reaches the guest by its own address"};
  }
  return success();
}

Result<NetworkSetting> parse_network(const std::string& text) {
  NetworkSetting network;
  const std::vector<Item> items = split_items(text);
  for (const Item& item : items) {
    if (item.key == "none" && items.size() > 1) return Error{ExitCode::usage, "the network 'none' stands alone"};
    if (const Outcome applied = network.apply(item); !applied.ok()) return applied.error();
  }
  if (network.kind == NetworkSetting::Kind::none && (items.empty() || items[0].key != "none")) {
    return Error{ExitCode::usage, fmt::format("'{}' names no network; it is user, tap=NAME or none", text)};
  }
  if (const Outcome complete = network.complete(); !complete.ok()) return complete.error();
  return network;
}

}  // namespace lockstitch::app
