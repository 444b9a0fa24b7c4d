// See entry_text.h.
#include "sync/log/entry_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lockstitch::sync {
namespace {

/// Unit: bytes. Of a payload; the headers of a TCP segment fit.
constexpr std::size_t shown_bytes = 48;

std::string bytes_text(const std::vector<std::uint8_t>& bytes) {
  std::string text = fmt::format("[{}]", bytes.size());
  for (std::size_t i = 0; i < std::min(bytes.size(), shown_bytes); ++i) text += fmt::format(" {:02x}", bytes[i]);
  return bytes.size() > shown_bytes ? text + " ..." : text;
}

struct Describe {
  const std::vector<std::string>& ports;

  std::string operator()(const ArrivalEntry& e) const {
    return fmt::format("arrival {} {} at position {:08x}", port_name(e.port, ports), bytes_text(e.payload),
                       e.position.hash);
  }
  std::string operator()(const ControlEntry& e) const {
    return fmt::format("control {} {} at position {:08x}", control_name(e.control.kind), e.control.argument,
                       e.position.hash);
  }
  std::string operator()(const HorizonEntry&) const { return "horizon"; }
  std::string operator()(const DigestEntry& e) const {
    return fmt::format("digest {} ({} bytes of state)", to_text(e.digest), e.state.size());
  }
  std::string operator()(const MarkEntry& e) const { return "mark " + e.text; }
  std::string operator()(const EndEntry& e) const {
    return fmt::format("end {} {} digest {}", e.reason, e.argument, to_text(e.digest));
  }
};

}  // namespace

std::string_view kind_name(const Entry& entry) {
  static constexpr std::array<std::string_view, std::variant_size_v<EntryBody>> names{"arrival", "control", "horizon",
                                                                                      "digest",  "mark",    "end"};
  return names[entry.body.index()];
}

std::string control_name(ControlKind kind) {
  static constexpr std::array<std::string_view, 4> names{"advance_clock", "power_button", "reset", "stop"};
  const auto index = static_cast<std::size_t>(kind);
  return index < names.size() ? std::string(names[index]) : fmt::format("control {}", index);
}

std::string port_name(PortId port, const std::vector<std::string>& ports) {
  return port.value >= 1 && port.value <= ports.size() ? ports[port.value - 1u] : fmt::format("port {}", port.value);
}

std::string to_text(const Entry& entry, const std::vector<std::string>& ports) {
  return fmt::format("{} {}", entry.tick.value, std::visit(Describe{ports}, entry.body));
}

}  // namespace lockstitch::sync
