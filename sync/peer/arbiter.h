// The third party of a pair: keeps the term of each pair and raises it by compare-and-set. It may keep a pair from
// running twice; it never holds the guest. Everything here runs on the thread of one kj event loop.
#pragma once
#include <kj/async-io.h>

#include <string>

#include "lockstitch/result.h"
#include "sync/peer/keys.h"
#include "sync/replica/term.h"

namespace lockstitch::sync {

class Arbiter {
 public:
  virtual ~Arbiter() noexcept(false) = default;
  /// Sets the record to {expected + 1, holder} if its term is `expected`. A claim that finds its own result there was
  /// granted. Never throws and never waits longer than `timeout_ms`.
  virtual kj::Promise<ClaimAnswer> claim(Term expected, const std::string& holder) = 0;
  /// The record as it is: `denied` with the record, or unreachable. Never throws, same limit.
  virtual kj::Promise<ClaimAnswer> read() = 0;
  /// As the person wrote it.
  virtual const std::string& name() const = 0;

  /// Unit: ms.
  static constexpr unsigned timeout_ms = 2000;
};

/// `file:PATH`, `witness:HOST[:PORT]` or `etcd:HOST[:PORT]`. `pair`: the name of the pair, the key of the record.
/// Fails: another scheme, an empty or impossible address; nothing is connected yet.
Result<kj::Own<Arbiter>> make_arbiter(const std::string& spec, const std::string& pair, const Keys& keys,
                                      kj::AsyncIoContext& io);

}  // namespace lockstitch::sync
