// An entry in one line for people, as `lockstitch trace show` and divergence reports print it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sync/log/entry.h"

namespace lockstitch::sync {

/// What kind it is, in one word: "arrival", "control", "horizon", "digest", "mark", "end".
std::string_view kind_name(const Entry& entry);

/// "advance_clock", "power_button", "reset", "stop", or "control 9".
std::string control_name(ControlKind kind);

/// `ports`: names of port 1, 2, ...
std::string port_name(PortId port, const std::vector<std::string>& ports);

/// Without a line end. Long payloads are cut.
std::string to_text(const Entry& entry, const std::vector<std::string>& ports);

}  // namespace lockstitch::sync
