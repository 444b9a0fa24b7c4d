// See log_reader.h.
#include "sync/log/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "sync/log/segment.h"

namespace lockstitch::sync {

Result<LogReader> LogReader::open(std::string folder, Chain start) {
  LogReader reader(std::move(folder), start);
  auto segments = list_segments(reader.folder_);
  if (!segments.ok()) return segments.error();
  reader.segments_ = std::move(segments).value();
  return reader;
}

Result<std::optional<Entry>> LogReader::next() {
  while (ready_.empty() && !finished_) {
    if (const Outcome read = read_batch(); !read) return read.error();
  }
  if (ready_.empty()) return std::optional<Entry>();
  Entry entry = std::move(ready_.front());
  ready_.pop_front();
  if (entry.tick < last_tick_) return damaged("its ticks go back");
  last_tick_ = entry.tick;
  ++entries_read_;
  return std::optional<Entry>(std::move(entry));
}

Outcome LogReader::read_batch() {
  const Frame frame = read_frame(Bytes(frames_).subspan(position_), chain_);
  switch (frame.fault) {
    case FrameFault::none:
      return unpack(frame);
    case FrameFault::end:
      if (!segment_cut_) return next_segment();
      cut_off("the end of a sealed segment is missing");
      return success();
    case FrameFault::cut:
      cut_off(fmt::format("{} bytes behind the last whole frame are lost", frames_.size() - position_));
      return success();
    case FrameFault::damaged:
      break;
  }
  // A file that grew just before its host lost power may end in zeros that were never written.
  if (std::all_of(frames_.begin() + static_cast<std::ptrdiff_t>(position_), frames_.end(),
                  [](std::uint8_t byte) { return byte == 0; })) {
    cut_off(fmt::format("its last {} bytes were never written", frames_.size() - position_));
    return success();
  }
  return damaged(fmt::format("byte {} of segment {} is not what was written", position_,
                             next_segment_ == 0 ? 0 : segments_[next_segment_ - 1]));
}

Outcome LogReader::unpack(const Frame& frame) {
  if (ended_) return damaged("something follows its end");
  std::vector<Entry> entries;
  if (const Outcome decoded = decoder_.decode(frame.payload, entries); !decoded) return damaged(decoded.error().text);
  position_ += frame.bytes;
  chain_ = frame.after;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!std::holds_alternative<EndEntry>(entries[i].body)) continue;
    if (i + 1 != entries.size()) return damaged("something follows its end");
    ended_ = true;
  }
  std::move(entries.begin(), entries.end(), std::back_inserter(ready_));
  return success();
}

Outcome LogReader::next_segment() {
  if (next_segment_ == segments_.size()) {
    finished_ = true;
    if (!ended_) cut_off("its end was never written");
    return success();
  }
  if (segments_[next_segment_] != next_segment_) {
    cut_off(fmt::format("segment {} is missing", next_segment_));
    return success();
  }
  auto contents = read_segment(folder_, segments_[next_segment_++]);
  if (!contents.ok()) {
    const Error& error = contents.error();
    return error.code == ExitCode::bad_input ? Error{error.code, error.text + progress()} : error;
  }
  frames_ = std::move(contents.value().frames);
  segment_cut_ = contents.value().cut;
  position_ = 0;
  return success();
}

void LogReader::cut_off(std::string_view what) {
  finished_ = true;
  const std::uint64_t unread = segments_.size() - std::min(next_segment_, segments_.size());
  cut_ = fmt::format("The log in '{}' is cut off: {}{}.", folder_, what,
                     unread == 0 ? "" : fmt::format(", and {} later segments are of no use without it", unread));
}

std::string LogReader::progress() const { return fmt::format(" The log is good up to tick {}.", last_tick_.value); }

Error LogReader::damaged(std::string_view what) const {
  return {ExitCode::bad_input,
          fmt::format("The log in '{}' is damaged: {}; copy the trace again, or replay what is good with --to {}.",
                      folder_, what, last_tick_.value)};
}

}  // namespace lockstitch::sync
