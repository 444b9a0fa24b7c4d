// A pair's status and events as people and programs read them.
#pragma once
#include <string>

#include "sync/peer/pairing.h"

namespace lockstitch::app {

/// One line of JSON.
std::string status_json(const sync::PairStatus& status);
/// From that line, several lines for people. Fails: not such a line.
Result<std::string> status_for_people(const std::string& json);
/// Prometheus text format 0.0.4.
std::string metrics_text(const sync::PairStatus& status);
/// One line of JSON, with host time in UTC.
std::string event_json(const sync::Report& report, const sync::PairStatus& status);

}  // namespace lockstitch::app
