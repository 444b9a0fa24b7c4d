// Reads a log from its beginning, entry by entry, and vouches for each: checksums, chain, order. Of a log that was cut
// off it gives everything up to the cut and says what is missing; a log that was changed is an error where it was.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "sync/log/entry_codec.h"
#include "sync/log/entry_stream.h"
#include "sync/log/frame.h"

namespace lockstitch::sync {

class LogReader final : public EntryStream {
 public:
  /// `start`: as it was written with. Fails: no such folder, nothing in it.
  static Result<LogReader> open(std::string folder, Chain start);

  /// The next entry; nothing at the end. Fails: damage; the sentence says where and how far the log is good.
  Result<std::optional<Entry>> next() override;

  /// The log has its end entry. Order: after next() gave nothing.
  bool complete() const { return ended_; }
  /// Why it is not, as a sentence. Order: as complete().
  const std::string& cut() const { return cut_; }
  /// Of the last entry read.
  Tick last_tick() const { return last_tick_; }
  std::uint64_t entries_read() const { return entries_read_; }

 private:
  explicit LogReader(std::string folder, Chain start) : folder_(std::move(folder)), chain_(start) {}

  Outcome read_batch();
  Outcome next_segment();
  Outcome unpack(const Frame& frame);
  void cut_off(std::string_view what);
  Error damaged(std::string_view what) const;
  std::string progress() const;

  std::string folder_;
  Chain chain_;
  EntryDecoder decoder_;
  std::vector<std::uint64_t> segments_;
  std::size_t next_segment_ = 0;  ///< index into segments_
  std::vector<std::uint8_t> frames_;
  std::size_t position_ = 0;  ///< in frames_
  bool segment_cut_ = false;
  std::deque<Entry> ready_;
  Tick last_tick_;
  bool ended_ = false, finished_ = false;
  std::string cut_;
  std::uint64_t entries_read_ = 0;
};

}  // namespace lockstitch::sync
