// See summary.h.
#include "vmm/app/summary.h"

#include <nlohmann/json.hpp>

namespace lockstitch::app {

namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(const std::optional<std::uint64_t>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

std::string to_json(const Summary& summary) {
  Json json;
  json["lockstitch"] = LOCKSTITCH_VERSION;
  json["end_reason"] = summary.end_reason;
  json["exit_code"] = summary.exit_code;
  if (summary.machine) {
    json["ticks"] = summary.machine->end.tick.value;
    json["virtual_ns"] = summary.machine->end.ns.value;
    json["final_digest"] = to_text(summary.machine->digest);
    json["host_cpu_seconds"] = summary.machine->usage.cpu_seconds;
  }
  json["wall_seconds"] = summary.wall_seconds;
  json["engine"] = summary.engine;
  json["tick_unit"] = summary.ticks;
  json["clock"] = summary.clock == ClockMode::realtime ? "realtime" : "virtual";
  json["seed"] = summary.seed;
  json["rtc_start"] = summary.rtc_start;
  json["memory"]["guest_bytes"] = summary.guest_memory_bytes;
  if (summary.machine) {
    const HostUsage& usage = summary.machine->usage;
    json["memory"]["guest_resident_bytes"] = number_or_null(usage.guest_resident_bytes);
    json["memory"]["monitor_bytes"] = number_or_null(usage.monitor_bytes);
    json["memory"]["peak_rss_bytes"] = usage.peak_rss_bytes;
    json["counters"] = summary.machine->counters;
    json["counters"]["exits"] = summary.machine->exits;
    if (!summary.machine->engine.empty()) json["counters"]["engine"] = summary.machine->engine;
  }
  if (summary.recorded) {
    const Summary::Recorded& r = *summary.recorded;
    json["recording"] = {{"trace", r.trace},
                         {"log_entries", r.log_entries},
                         {"log_bytes", r.log_bytes},
                         {"checkpoints", r.checkpoints},
                         {"checkpoint_bytes", r.checkpoint_bytes},
                         {"checkpoint_pause_seconds", r.checkpoint_pause_seconds}};
  }
  if (summary.replayed) {
    const Summary::Replayed& r = *summary.replayed;
    json["replay"] = {{"trace", r.trace},
                      {"started_at_tick", r.started_at.value},
                      {"inputs", r.inputs},
                      {"digests_compared", r.digests_compared},
                      {"checkpoints_compared", r.checkpoints_compared},
                      {"complete", r.complete},
                      {"cut", r.cut.empty() ? Json(nullptr) : Json(r.cut)}};
    json["replay"]["divergence"] = nullptr;
    if (r.diverged) {
      json["replay"]["divergence"] = {{"tick", r.diverged->tick.value},
                                      {"component", r.diverged->component},
                                      {"expected", r.diverged->expected},
                                      {"got", r.diverged->got}};
    }
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lockstitch::app
