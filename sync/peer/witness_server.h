// A witness on the network: the store offered by RPC (witness.capnp) over mutual TLS. Whoever has no certificate of its
// authority gets nothing, and disturbs nobody.
#pragma once
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/compat/tls.h>

#include <functional>
#include <list>
#include <map>
#include <string>

#include "sync/peer/keys.h"
#include "sync/peer/witness.capnp.h"
#include "sync/peer/witness_store.h"

namespace lockstitch::sync {

class WitnessServer final : private kj::TaskSet::ErrorHandler {
 public:
  /// Unit: connections. Of members, and as many again of those who are not yet known as members; more are closed at
  /// once.
  static constexpr unsigned max_connections = 64;
  /// Unit: s. For a stranger to become a member.
  static constexpr unsigned greeting_limit_s = 5;

  /// All must outlive it.
  WitnessServer(kj::AsyncIoContext& io, WitnessStore& store, const Keys& keys);
  ~WitnessServer() noexcept(false);

  /// `address`: with a port; 0: any, and `on_listening` is told which. Runs until it is cancelled. Fails: an address
  /// that cannot be had, a store that has failed.
  kj::Promise<void> listen(std::string address, kj::Function<void(unsigned port)> on_listening);

  /// For each term that is raised.
  void set_on_raised(std::function<void(const std::string& pair, const ArbiterRecord&)> on_raised) {
    on_raised_ = std::move(on_raised);
  }

 private:
  class Door;
  class Desk;
  class Place;
  class Greeting;
  struct Session;

  kj::Promise<void> accept_all(kj::ConnectionReceiver& port);
  void welcome(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  kj::Network& network_;
  WitnessStore& store_;
  kj::Own<kj::TlsContext> tls_;
  std::function<void(const std::string& pair, const ArbiterRecord&)> on_raised_;
  unsigned members_ = 0;
  std::list<kj::Own<kj::PromiseFulfiller<void>>> greetings_;  ///< oldest first; rejected: closed
  std::map<std::string, Desk*> current_;                      ///< of each client, the ledger that counts
  kj::Own<kj::PromiseFulfiller<void>> store_failed_;
  kj::TaskSet tasks_;
};

}  // namespace lockstitch::sync
