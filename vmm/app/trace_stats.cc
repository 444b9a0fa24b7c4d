// See trace_stats.h.
#include "vmm/app/trace_stats.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sync/log/entry_text.h"

namespace lockstitch::app {

namespace {

using Json = nlohmann::ordered_json;

std::uint64_t bytes_in(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code failed;
  for (const auto& file : std::filesystem::directory_iterator(folder, failed)) {
    const auto size = file.file_size(failed);
    if (!failed) bytes += size;
  }
  return bytes;
}

/// Of what is known of the log, in virtual seconds without the clock's advances.
double guest_seconds(const TraceStats& stats) { return static_cast<double>(stats.survey.last_tick.value) * 1e-9; }

std::string state_of(const LogSurvey& survey) {
  if (survey.damage) return "damaged: " + survey.damage->text;
  return survey.end ? "complete" : survey.cut;
}

}  // namespace

Result<TraceStats> count(const OpenTrace& trace) {
  TraceStats stats;
  const auto& ports = trace.header().board.ports;
  const auto survey = trace.survey([&](const sync::Entry& entry) {
    ++stats.entry_count;
    ++stats.entries[std::string(sync::kind_name(entry))];
    if (const auto* arrival = std::get_if<sync::ArrivalEntry>(&entry.body)) {
      stats.input_bytes[sync::port_name(arrival->port, ports)] += arrival->payload.size();
      stats.input_bytes_total += arrival->payload.size();
    }
  });
  if (!survey.ok()) return survey.error();
  stats.survey = survey.value();
  stats.log_bytes = bytes_in(trace.folder().log());
  stats.checkpoints = trace.checkpoints().size();
  stats.checkpoint_bytes = bytes_in(trace.folder().checkpoints());
  return stats;
}

std::string to_text(const TraceStats& stats, const OpenTrace& trace) {
  const sync::Header& header = trace.header();
  std::string text = fmt::format("trace       {} ({})\n", trace.name(), lockstitch::to_text(header.identity));
  text += fmt::format("made by     lockstitch {} on {}\n", header.build, header.numeric_mode);
  text += fmt::format("machine     {}, {} MiB, {} clock, seed {}\n", header.board.name, header.board.memory_bytes >> 20,
                      header.paced ? "realtime" : "virtual", header.board.seed);
  for (const sync::ImageReference& image : header.images) {
    text +=
        fmt::format("{:<11} {} ({} bytes, {})\n", image.role, image.path, image.bytes, lockstitch::to_text(image.hash));
  }
  text += fmt::format("log         {} bytes, {} entries up to tick {} ({:.3f} s): {}\n", stats.log_bytes,
                      stats.entry_count, stats.survey.last_tick.value, guest_seconds(stats), state_of(stats.survey));
  for (const auto& [kind, number] : stats.entries) text += fmt::format("  {:<9} {}\n", kind, number);
  for (const auto& [port, bytes] : stats.input_bytes) text += fmt::format("  input {}: {} bytes\n", port, bytes);
  return text + fmt::format("checkpoints {}, {} bytes\n", stats.checkpoints, stats.checkpoint_bytes);
}

std::string to_json(const TraceStats& stats, const OpenTrace& trace) {
  const sync::Header& header = trace.header();
  Json json;
  json["trace"] = trace.name();
  json["identity"] = lockstitch::to_text(header.identity);
  json["build"] = header.build;
  json["numeric_mode"] = header.numeric_mode;
  json["board"] = header.board.name;
  json["memory_bytes"] = header.board.memory_bytes;
  json["seed"] = header.board.seed;
  json["clock"] = header.paced ? "realtime" : "virtual";
  for (const sync::ImageReference& image : header.images) {
    json["images"].push_back({{"role", image.role},
                              {"path", image.path},
                              {"bytes", image.bytes},
                              {"hash", lockstitch::to_text(image.hash)}});
  }
  json["log_bytes"] = stats.log_bytes;
  json["entries"] = stats.entry_count;
  json["entries_by_kind"] = stats.entries;
  json["input_bytes"] = stats.input_bytes_total;
  json["input_bytes_by_port"] = stats.input_bytes;
  json["last_tick"] = stats.survey.last_tick.value;
  json["complete"] = stats.survey.end.has_value();
  json["cut"] = stats.survey.cut.empty() ? Json(nullptr) : Json(stats.survey.cut);
  json["damage"] = stats.survey.damage ? Json(stats.survey.damage->text) : Json(nullptr);
  json["checkpoints"] = stats.checkpoints;
  json["checkpoint_bytes"] = stats.checkpoint_bytes;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lockstitch::app
