// The entries of a log as a debugger reads them: from the front to the back, and again from any tick. What was read
// stays in memory.
#pragma once
#include <functional>
#include <vector>

#include "sync/log/entry_stream.h"

namespace lockstitch::debug {

class LogTape final : public sync::EntryStream {
 public:
  explicit LogTape(sync::EntryStream& log) : log_(log) {}

  /// The next entry is the first one at `tick` or later.
  void wind_to(Tick tick);
  Result<std::optional<sync::Entry>> next() override;

  /// Every entry of ticks in [from, to), in order; reads ahead if it must. Fails: damage.
  Outcome for_each(Tick from, Tick to, const std::function<void(const sync::Entry&)>& visit);

 private:
  Result<bool> read_one();

  sync::EntryStream& log_;
  std::vector<sync::Entry> entries_;
  std::size_t next_ = 0;
  bool complete_ = false;
};

}  // namespace lockstitch::debug
