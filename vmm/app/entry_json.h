// A log's entry as JSON, as `lockstitch trace show --json` prints it, one a line.
#pragma once
#include <string>
#include <vector>

#include "sync/log/entry.h"

namespace lockstitch::app {

/// `ports`: names of port 1, 2, ... Payloads are in hex, whole; states are left out.
std::string to_json(const sync::Entry& entry, const std::vector<std::string>& ports);

}  // namespace lockstitch::app
