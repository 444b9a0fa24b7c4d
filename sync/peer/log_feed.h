// What a leader tells its follower of the log, message by message: gathers what the core has recorded, and knows how
// far that goes.
#pragma once
#include <optional>
#include <vector>

#include "sync/log/entry_codec.h"
#include "sync/peer/desk.h"
#include "sync/peer/log_packer.h"
#include "sync/replica/failure_detector.h"
#include "sync/replica/message.h"

namespace lockstitch::sync {

class LogFeed {
 public:
  explicit LogFeed(Desk& desk) : desk_(desk) {}

  /// A new follower, from the beginning of its log.
  void begin() {
    encoder_ = EntryEncoder();
    packer_.begin();
    unsent_.clear();
    known_until_ = {};
    bytes_ = messages_ = 0;
  }

  /// The next message, or nothing: there is nothing new and the last one is younger than `heartbeat`.
  std::optional<Log> next(Term term, HostTime now, HostTime heartbeat) {
    if (desk_.take_log(taken_)) {
      for (Entry& entry : taken_) unsent_.push_back(std::move(entry));
    }
    // The log begins behind the machine's last part.
    const bool anything = !unsent_.empty() && !desk_.parts_wait();
    if (!anything && now - last_at_ < heartbeat) return std::nullopt;
    last_at_ = now;
    Log log{term, {}, desk_.sent_until(), {}};
    if (anything) {
      known_until_ = behind(unsent_.back());
      log.batch = packer_.pack(encoder_.encode(unsent_));
      unsent_.clear();
      ++messages_;
      bytes_ += log.batch.size();
    }
    log.known_until = known_until_;
    return log;
  }

  Tick known_until() const { return known_until_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t messages() const { return messages_; }

 private:
  /// No input of an earlier tick follows this entry.
  static Tick behind(const Entry& entry) {
    if (std::holds_alternative<EndEntry>(entry.body)) return tick_never;
    return std::holds_alternative<HorizonEntry>(entry.body) ? entry.tick + 1 : entry.tick;
  }

  Desk& desk_;
  EntryEncoder encoder_;
  LogPacker packer_;
  std::vector<Entry> taken_, unsent_;
  Tick known_until_;
  HostTime last_at_ = 0;
  std::uint64_t bytes_ = 0, messages_ = 0;
};

}  // namespace lockstitch::sync
