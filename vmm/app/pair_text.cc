// See pair_text.h.
#include "vmm/app/pair_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "vmm/world/wall_clock.h"

namespace lockstitch::app {

namespace {

/// 2026-01-31T12:00:00.123Z
std::string utc_text(std::uint64_t ns) {
  const std::time_t seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ns / 1'000'000 % 1000);
}

double milliseconds(std::uint64_t ns) { return static_cast<double>(ns) * 1e-6; }

}  // namespace

std::string status_json(const sync::PairStatus& s) {
  nlohmann::ordered_json json{
      {"name", s.name},
      {"pair", s.pair},
      {"role", s.role},
      {"protected", s.role == "paired" || s.role == "following"},
      {"term", s.term},
      {"linked", s.linked},
      {"frozen", s.frozen},
      {"tick", s.tick.value},
      {"guest_seconds", static_cast<double>(s.ns.value) * 1e-9},
      {"lag_ticks", s.lag_ticks},
      {"lag_ms", milliseconds(s.lag_ns)},
      {"log_round_trip_ms", milliseconds(s.round_trip_ns)},
      {"log_bytes", s.log_bytes},
      {"log_messages", s.log_messages},
      {"log_bits_per_second", s.log_bits_per_second},
      {"effects_held_ticks", s.released < s.tick ? s.tick - s.released : 0},
      {"join_done_bytes", s.join_done_bytes},
      {"join_total_bytes", s.join_total_bytes},
      {"join_blackout_ms", milliseconds(s.blackout_ns)},
      {"last_equal_digest_tick", s.last_agreement.value},
      {"digests_compared", s.digests_compared},
      {"joins", s.joins},
      {"take_overs", s.take_overs},
      {"arbiter", s.arbiter},
      {"arbiter_trouble", s.arbiter_trouble},
      {"peer_trouble", s.peer_trouble},
      {"obstacle", s.obstacle},
  };
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<std::string> status_for_people(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("role")) {
    return Error{ExitCode::bad_input, fmt::format("the replica answered '{}', which is no status", text)};
  }
  const auto get = [&](const char* name) { return json.value(name, nlohmann::json()); };
  const std::string role = get("role").get<std::string>();
  std::string out =
      fmt::format("{}  {} in term {}, {}\n", get("name").get<std::string>(), role, get("term").get<std::uint64_t>(),
                  get("protected").get<bool>() ? "protected" : "NOT protected");
  out += fmt::format("  guest     tick {}, {:.3f} s{}\n", get("tick").get<std::uint64_t>(),
                     get("guest_seconds").get<double>(), get("frozen").get<bool>() ? ", FROZEN" : "");
  if (role == "paired" || role == "inviting" || role == "handing") {
    out += fmt::format("  follower  {} ticks and {:.1f} ms behind; log {} bit/s, round trip {:.2f} ms\n",
                       get("lag_ticks").get<std::uint64_t>(), get("lag_ms").get<double>(),
                       get("log_bits_per_second").get<std::uint64_t>(), get("log_round_trip_ms").get<double>());
  }
  if (role == "inviting" || role == "joining") {
    const auto done = get("join_done_bytes").get<std::uint64_t>(), total = get("join_total_bytes").get<std::uint64_t>();
    if (total > 0) out += fmt::format("  join      {} of {} MiB\n", done >> 20, total >> 20);
  }
  if (role == "following") {
    out +=
        fmt::format("  lockstep  proven by {} digests, the last at tick {}\n",
                    get("digests_compared").get<std::uint64_t>(), get("last_equal_digest_tick").get<std::uint64_t>());
  }
  for (const char* trouble : {"obstacle", "arbiter_trouble", "peer_trouble"}) {
    if (const std::string what = get(trouble).get<std::string>(); !what.empty()) {
      out += fmt::format("  {}  {}\n", trouble, what);
    }
  }
  return out;
}

std::string metrics_text(const sync::PairStatus& s) {
  std::string out;
  const std::string who = fmt::format("pair=\"{}\",replica=\"{}\"", s.pair, s.name);
  const auto metric = [&](const char* name, const char* kind, const char* help, double value) {
    out += fmt::format("# HELP lockstitch_{0} {1}\n# TYPE lockstitch_{0} {2}\nlockstitch_{0}{{{3}}} {4}\n", name, help,
                       kind, who, value);
  };
  const bool leading = s.role == "alone" || s.role == "inviting" || s.role == "paired" || s.role == "handing";
  metric("leads", "gauge", "1 while this replica runs the guest", leading);
  metric("protected", "gauge", "1 while a second replica is in lockstep", s.role == "paired" || s.role == "following");
  metric("term", "counter", "Term of this replica", static_cast<double>(s.term));
  metric("guest_ticks", "counter", "Where the machine stands", static_cast<double>(s.tick.value));
  metric("lag_seconds", "gauge", "How far the follower is behind", static_cast<double>(s.lag_ns) * 1e-9);
  metric("log_round_trip_seconds", "gauge", "From a log message to its acknowledgement",
         static_cast<double>(s.round_trip_ns) * 1e-9);
  metric("log_bytes", "counter", "Bytes of log since the link began", static_cast<double>(s.log_bytes));
  metric("join_bytes_done", "gauge", "Progress of the latest join", static_cast<double>(s.join_done_bytes));
  metric("join_bytes_total", "gauge", "Size of the latest join", static_cast<double>(s.join_total_bytes));
  metric("digests_compared", "counter", "Digests that were equal on both replicas",
         static_cast<double>(s.digests_compared));
  metric("take_overs", "counter", "How often this process took the guest over", static_cast<double>(s.take_overs));
  metric("arbiter_reachable", "gauge", "0 after a question that the arbiter did not answer", s.arbiter_trouble.empty());
  return out;
}

std::string event_json(const sync::Report& report, const sync::PairStatus& s) {
  nlohmann::ordered_json json{{"time", utc_text(world::wall_clock_ns())},
                              {"pair", s.pair},
                              {"replica", s.name},
                              {"event", report.event},
                              {"detail", report.detail},
                              {"role", s.role},
                              {"term", s.term},
                              {"tick", s.tick.value}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace lockstitch::app
