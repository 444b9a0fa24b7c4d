// Logs for tests: entries of every kind, a folder with a log, and comparison.
#pragma once
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sync/log/entry_text.h"
#include "sync/log/log_reader.h"
#include "sync/log/log_writer.h"
#include "tests/unit/world/temporary_folder.h"

namespace lockstitch::test {

using sync::Entry;

inline const Digest log_start{0x0123'4567'89ab'cdef, 42};

inline std::vector<std::uint8_t> pattern(std::size_t size, unsigned seed) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(seed + i * 7 + i / 251);
  return bytes;
}

inline sync::EntryBody sample_body(unsigned n) {
  switch (n % 5) {
    case 0:
      return sync::ArrivalEntry{PortId{static_cast<std::uint16_t>(1 + n % 3)}, {n * 77}, pattern(n % 90, n)};
    case 1:
      return sync::ControlEntry{{ControlKind::advance_clock, 1000 + n}, {n}};
    case 2:
      return sync::HorizonEntry{};
    case 3:
      return sync::DigestEntry{{n, n + 1u}, pattern(300 + (n / 5 % 2), n), {n, n * 3u}};
    default:
      return sync::MarkEntry{"mark " + std::to_string(n)};
  }
}

/// `count` entries of all kinds but the end, ticks from 100 on.
inline std::vector<Entry> sample_entries(std::size_t count) {
  std::vector<Entry> entries(count);
  for (std::size_t i = 0; i < count; ++i) {
    entries[i].tick = Tick{100 + 10 * i};
    entries[i].body = sample_body(static_cast<unsigned>(i));
  }
  return entries;
}

inline Entry end_entry(Tick tick) { return {tick, sync::EndEntry{2, 7, {5, 6}}}; }

/// Everything that distinguishes an entry.
inline std::string whole_text(const Entry& entry) {
  std::string text = sync::to_text(entry, {});
  if (const auto* arrival = std::get_if<sync::ArrivalEntry>(&entry.body)) {
    for (const std::uint8_t byte : arrival->payload) text += " " + std::to_string(byte);
  }
  if (const auto* digest = std::get_if<sync::DigestEntry>(&entry.body)) {
    for (const std::uint8_t byte : digest->state) text += " " + std::to_string(byte);
    for (const std::uint64_t sum : digest->memory_sums) text += " " + std::to_string(sum);
  }
  return text;
}

struct ReadLog {
  std::vector<std::string> entries;
  bool complete = false;
  std::string cut, error;
};

inline ReadLog read_log(const std::string& folder) {
  ReadLog log;
  auto reader = sync::LogReader::open(folder, log_start);
  if (!reader.ok()) {
    log.error = reader.error().text;
    return log;
  }
  for (;;) {
    auto next = reader.value().next();
    if (!next.ok()) {
      CHECK(next.error().code == ExitCode::bad_input);
      log.error = next.error().text;
      return log;
    }
    if (!next.value()) break;
    log.entries.push_back(whole_text(*next.value()));
  }
  log.complete = reader.value().complete();
  log.cut = reader.value().cut();
  return log;
}

}  // namespace lockstitch::test
