// What a trace holds, counted.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "lockstitch/result.h"
#include "vmm/app/open_trace.h"

namespace lockstitch::app {

struct TraceStats {
  std::map<std::string, std::uint64_t> entries;  ///< by kind
  std::uint64_t entry_count = 0;
  std::map<std::string, std::uint64_t> input_bytes;  ///< payloads, by port
  std::uint64_t input_bytes_total = 0;
  std::uint64_t log_bytes = 0, checkpoint_bytes = 0;  ///< on disk
  std::uint64_t checkpoints = 0;
  LogSurvey survey;
};

/// Fails: a log that cannot be read. Damage is in the survey.
Result<TraceStats> count(const OpenTrace& trace);

/// For people, several lines.
std::string to_text(const TraceStats& stats, const OpenTrace& trace);
std::string to_json(const TraceStats& stats, const OpenTrace& trace);

}  // namespace lockstitch::app
