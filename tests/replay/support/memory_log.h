// Logs in memory, for tests of what records and replays.
#pragma once
#include <random>
#include <vector>

#include "sync/log/entry_stream.h"
#include "sync/log/log_stream.h"

namespace lockstitch::test {

/// A log in memory, as a writer would have it: horizons at the moments when it wrote.
struct MemoryLog final : sync::LogStream {
  explicit MemoryLog(std::mt19937_64& random) : random_(random) {}

  void append(sync::Entry entry) override { entries.push_back(std::move(entry)); }
  void passed(Tick tick) override {
    if (random_() % 8 == 0) entries.push_back({tick, sync::HorizonEntry{}});
  }

  std::vector<sync::Entry> entries;

 private:
  std::mt19937_64& random_;
};

struct MemoryStream final : sync::EntryStream {
  explicit MemoryStream(std::vector<sync::Entry> entries) : entries_(std::move(entries)) {}
  Result<std::optional<sync::Entry>> next() override {
    if (at_ == entries_.size()) return std::optional<sync::Entry>();
    return std::optional<sync::Entry>(entries_[at_++]);
  }

 private:
  std::vector<sync::Entry> entries_;
  std::size_t at_ = 0;
};

}  // namespace lockstitch::test
