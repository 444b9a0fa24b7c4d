// An etcd cluster as an arbiter, by its JSON gateway over plain HTTP: the key lockstitch/term/PAIR holds `TERM HOLDER`.
// Terms are raised by a transaction that compares the key's revision; no leases, no locks. One question at a time.
// Not here: TLS and users of etcd; the cluster's client port must be closed to strangers.
#pragma once
#include <kj/async-io.h>
#include <kj/compat/http.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sync/peer/arbiter.h"
#include "sync/peer/host_port.h"
#include "sync/peer/question.h"

namespace lockstitch::sync {

class EtcdArbiter final : public Arbiter {
 public:
  static constexpr unsigned default_port = 2379;

  EtcdArbiter(const HostPort& place, std::string name, std::string pair, kj::AsyncIoContext& io);

  kj::Promise<ClaimAnswer> claim(Term expected, const std::string& holder) override;
  kj::Promise<ClaimAnswer> read() override;
  const std::string& name() const override { return name_; }

 private:
  class Line;
  /// The record and the revision in which it was written; 0: never.
  struct Seen {
    ArbiterRecord record;
    std::int64_t revision = 0;
  };
  struct Written {
    bool done = false;
    Seen seen;  ///< unless done: what was there instead
  };

  kj::Promise<kj::Own<Line>> connect();
  kj::Promise<Seen> look(Line& line);
  kj::Promise<Written> write(Line& line, std::int64_t revision, const ArbiterRecord& record);
  kj::Promise<ClaimAnswer> settle(Line& line, Seen seen);

  const std::string address_, name_, key_;
  kj::Timer& timer_;
  kj::Network& network_;
  kj::HttpHeaderTable headers_;
  /// A transaction that compares with this revision may still be on its way.
  std::optional<std::int64_t> doubtful_revision_;
};

}  // namespace lockstitch::sync
