// Writes a log as files: what write() returned from survives the death of this process, what the cadence has synced
// survives that of the host. A second thread seals complete segments and syncs, so that neither delays an effect.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lockstitch/result.h"
#include "sync/log/entry_codec.h"
#include "sync/log/file_bytes.h"
#include "sync/log/frame.h"

namespace lockstitch::sync {

struct LogOptions {
  /// Unit: bytes. An open segment is closed past this size.
  std::uint64_t segment_bytes = 8u << 20;
  /// Unit: ms. How often what was written is made to survive the death of the host; 0: at every write().
  unsigned sync_ms = 1000;
};

/// One thread calls it, whichever; the destructor closes.
class LogWriter {
 public:
  /// `start`: the beginning of the hash chain, the header's identity. Range: an existing, empty folder. Fails:
  /// unwritable.
  static Result<std::unique_ptr<LogWriter>> create(std::string folder, Chain start, LogOptions options);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Appends the entries. When it returns they survive a kill. Fails: no room, an I/O error; the log then ends with
  /// what was written before, whole, and every further call fails with the same words.
  Outcome write(const std::vector<Entry>& entries);
  /// Seals what is open. Idempotent. Fails as write(), or when sealing fails.
  Outcome close();

  std::uint64_t entries_written() const { return entries_written_; }
  /// Before compression.
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  LogWriter(std::string folder, Chain start, LogOptions options)
      : folder_(std::move(folder)), options_(options), chain_(start) {}

  Outcome open_segment();
  Outcome append(Bytes frames);
  void close_segment();
  Outcome fail(Error error);
  void keep();

  const std::string folder_;
  const LogOptions options_;
  EntryEncoder encoder_;
  Chain chain_;
  FileHandle segment_;
  std::uint64_t segment_number_ = 0;
  std::uint64_t segment_size_ = 0;
  Outcome state_ = success();
  bool closed_ = false;
  std::uint64_t entries_written_ = 0;
  std::uint64_t bytes_written_ = 0;

  // Shared with the keeper, the second thread.
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::uint64_t> to_seal_;
  int to_sync_ = -1;  ///< a duplicate of the open segment's descriptor
  bool ending_ = false;
  Outcome keeper_state_ = success();
  std::thread keeper_;
};

}  // namespace lockstitch::sync
