// A witness as an arbiter: asks it by RPC over mutual TLS. One question at a time; the connection is kept.
#pragma once
#include <kj/async-io.h>
#include <kj/compat/tls.h>

#include <memory>
#include <string>

#include "sync/peer/arbiter.h"
#include "sync/peer/host_port.h"
#include "sync/peer/question.h"

namespace lockstitch::sync {

class WitnessArbiter final : public Arbiter {
 public:
  static constexpr unsigned default_port = 7460;

  WitnessArbiter(const HostPort& place, std::string name, std::string pair, const Keys& keys, kj::AsyncIoContext& io);
  ~WitnessArbiter() noexcept(false) override;

  kj::Promise<ClaimAnswer> claim(Term expected, const std::string& holder) override;
  kj::Promise<ClaimAnswer> read() override;
  const std::string& name() const override { return name_; }

 private:
  class Line;

  /// Opens line_, with a ledger.
  kj::Promise<void> connect();
  kj::Promise<ClaimAnswer> look();
  kj::Promise<ClaimAnswer> ask_record();
  kj::Promise<ClaimAnswer> raise(Question& question, Term expected, const std::string& holder);
  kj::Promise<ClaimAnswer> limited(std::shared_ptr<Question> question, kj::Promise<ClaimAnswer> answer);

  const std::string address_, name_, pair_, client_;
  kj::Timer& timer_;
  kj::Network& network_;
  kj::Own<kj::TlsContext> tls_;
  kj::Own<Line> line_;  ///< may be nothing
};

}  // namespace lockstitch::sync
