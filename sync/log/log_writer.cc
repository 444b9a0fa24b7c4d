// See log_writer.h.
#include "sync/log/log_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <system_error>

#include "sync/log/segment.h"

namespace lockstitch::sync {
namespace {

/// Unit: entries. Keeps a batch, and with it the frame, far below what a reader accepts.
constexpr std::size_t batch_entries = 1024;
/// Unit: bytes. The same for entries with large contents.
constexpr std::size_t batch_bytes = 1u << 20;

std::size_t weight(const Entry& entry) {
  if (const auto* arrival = std::get_if<ArrivalEntry>(&entry.body)) return arrival->payload.size();
  if (const auto* digest = std::get_if<DigestEntry>(&entry.body)) return digest->state.size();
  return 0;
}

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::create(std::string folder, Chain start, LogOptions options) {
  std::unique_ptr<LogWriter> writer(new LogWriter(std::move(folder), start, options));
  if (const Outcome opened = writer->open_segment(); !opened) return opened.error();
  try {
    writer->keeper_ = std::thread([raw = writer.get()] { raw->keep(); });
  } catch (const std::system_error& error) {
    return Error{ExitCode::unavailable, fmt::format("The host gives no thread ({}); raise its limit.", error.what())};
  }
  return writer;
}

LogWriter::~LogWriter() { (void)close(); }

Outcome LogWriter::open_segment() {
  const std::string path = segment_names(folder_, segment_number_).open;
  segment_ = FileHandle(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644));
  if (!segment_) {
    return Error{ExitCode::world, fmt::format("The log segment '{}' cannot be written ({}); make room or name another "
                                              "place.",
                                              path, std::strerror(errno))};
  }
  segment_size_ = 0;
  std::lock_guard lock(mutex_);
  to_sync_ = ::fcntl(segment_.get(), F_DUPFD_CLOEXEC, 0);
  return success();
}

Outcome LogWriter::write(const std::vector<Entry>& entries) {
  if (!state_) return state_;
  std::vector<std::uint8_t> frames;
  std::size_t first = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    bytes += weight(entries[i]);
    if (i + 1 < entries.size() && i + 1 - first < batch_entries && bytes < batch_bytes) continue;
    chain_ = append_frame(frames, encoder_.encode(std::span(entries).subspan(first, i + 1 - first)), chain_);
    first = i + 1;
    bytes = 0;
  }
  if (const Outcome appended = append(frames); !appended) return appended;
  entries_written_ += entries.size();
  bytes_written_ += frames.size();
  if (segment_size_ < options_.segment_bytes) return success();
  close_segment();
  ++segment_number_;
  if (const Outcome opened = open_segment(); !opened) return fail(opened.error());
  std::lock_guard lock(mutex_);
  return keeper_state_ ? success() : fail(keeper_state_.error());
}

Outcome LogWriter::append(Bytes frames) {
  if (!write_all(segment_.get(), frames)) {
    const int why = errno;
    // What is there of the last write is not whole; without it the log ends cleanly.
    [[maybe_unused]] const int cut = ::ftruncate(segment_.get(), static_cast<off_t>(segment_size_));
    return fail({ExitCode::world, fmt::format("The log in '{}' cannot be continued ({}); it is good up to here, make "
                                              "room and record anew.",
                                              folder_, std::strerror(why))});
  }
  segment_size_ += frames.size();
  if (options_.sync_ms == 0 && ::fdatasync(segment_.get()) != 0) {
    return fail(
        {ExitCode::world, fmt::format("The log in '{}' cannot be made durable ({}).", folder_, std::strerror(errno))});
  }
  return success();
}

Outcome LogWriter::fail(Error error) {
  state_ = std::move(error);
  return state_;
}

void LogWriter::close_segment() {
  segment_ = FileHandle();
  std::lock_guard lock(mutex_);
  if (to_sync_ >= 0) ::close(to_sync_);
  to_sync_ = -1;
  to_seal_.push_back(segment_number_);
  work_.notify_one();
}

Outcome LogWriter::close() {
  if (closed_) return state_;
  closed_ = true;
  if (!keeper_.joinable()) return state_;
  close_segment();
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    work_.notify_one();
  }
  keeper_.join();
  if (state_ && !keeper_state_) state_ = keeper_state_;
  return state_;
}

void LogWriter::keep() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const auto cadence = std::chrono::milliseconds(std::max(options_.sync_ms, 1u));
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait_for(lock, cadence, [&] { return ending_ || !to_seal_.empty(); });
    const int syncing = to_sync_ >= 0 ? ::fcntl(to_sync_, F_DUPFD_CLOEXEC, 0) : -1;
    std::deque<std::uint64_t> sealing;
    sealing.swap(to_seal_);
    const bool last = ending_;
    lock.unlock();
    Outcome outcome = success();
    if (syncing >= 0) {
      if (::fdatasync(syncing) != 0) {
        outcome = Error{ExitCode::world,
                        fmt::format("The log in '{}' cannot be made durable ({}).", folder_, std::strerror(errno))};
      }
      ::close(syncing);
    }
    for (const std::uint64_t number : sealing) {
      if (const Outcome sealed = seal_segment(folder_, number); !sealed && outcome) outcome = sealed;
    }
    lock.lock();
    if (keeper_state_ && !outcome) keeper_state_ = outcome;
    if (last && to_seal_.empty()) return;
  }
}

}  // namespace lockstitch::sync
