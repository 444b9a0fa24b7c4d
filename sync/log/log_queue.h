// The bounded queue from the core, which records, to the thread that writes the log. The only thing the two share.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "sync/log/log_stream.h"

namespace lockstitch::sync {

class LogQueue final : public LogStream {
 public:
  /// Unit: bytes. When the writer is this far behind the core waits: a disk that hangs must not fill the memory.
  static constexpr std::size_t max_bytes = 64u << 20;

  // The core's side.
  void append(Entry entry) override;
  void passed(Tick tick) override { passed_.store(tick.value + 1, std::memory_order_release); }

  // The writer's side.
  /// Everything that was appended, in order, behind it a horizon if the machine has come further. False: nothing new.
  bool take(std::vector<Entry>& out);
  /// From now on the core never waits here, and what it appends may be lost: the writer has failed.
  void release();

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Entry> entries_;
  std::size_t bytes_ = 0;
  bool released_ = false;
  std::atomic<std::uint64_t> passed_{0};  ///< the tick after it, so that 0 is none
  std::uint64_t told_ = 0;                ///< of the writer: the horizon it has had, as passed_
};

}  // namespace lockstitch::sync
