// One conversation with the peer: Cap'n Proto RPC with streaming calls over a TLS connection. The leader dials and
// greets; whoever answers may refuse in a sentence.
#pragma once
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include <string>

#include "lockstitch/result.h"
#include "sync/peer/peer.capnp.h"
#include "sync/replica/failure_detector.h"
#include "sync/replica/message.h"

namespace lockstitch::sync {

/// What a link tells its owner. None of them may destroy the link before it has returned.
class LinkListener {
 public:
  virtual ~LinkListener() noexcept(false) = default;
  /// A leader greets: the refusal, or an empty text.
  virtual std::string greeted(schema::Greeting::Reader greeting) = 0;
  /// The conversation has begun.
  virtual void begun(class Link& link) = 0;
  virtual void heard(class Link& link, Message message) = 0;
  /// Once, also when it never began.
  virtual void ended(class Link& link, const std::string& why) = 0;
  /// Resolves when the listener can take more.
  virtual kj::Promise<void> room() = 0;
};

class Link final : private kj::TaskSet::ErrorHandler {
 public:
  /// Waits to be greeted.
  static kj::Own<Link> accepted(kj::Own<kj::AsyncIoStream> stream, LinkListener& listener, HostTime now);
  /// Greets. `write` fills the greeting.
  static kj::Own<Link> dialed(kj::Own<kj::AsyncIoStream> stream, LinkListener& listener, HostTime now,
                              kj::FunctionParam<void(schema::Greeting::Builder)> write);
  Link(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side, LinkListener& listener, HostTime now);
  ~Link() noexcept(false);

  bool has_begun() const { return begun_; }
  bool was_dialed() const { return dialed_; }
  HostTime since() const { return since_; }
  /// Order: after begun(). Resolves when the next one should be said; failures end the link.
  kj::Promise<void> say(const Message& message);
  void listen_with(LinkListener& listener) { listener_ = &listener; }
  /// No more calls to the listener.
  void mute() { listener_ = nullptr; }

 private:
  class DoorServer;
  class EarServer;

  void begin(schema::Ear::Client ear);
  kj::Promise<void> heard(schema::Message::Reader message);
  void fail(const std::string& why);
  void taskFailed(kj::Exception&& exception) override;

  LinkListener* listener_;
  const HostTime since_;
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  kj::Maybe<schema::Ear::Client> ear_;
  bool begun_ = false, dialed_ = false;
  kj::Maybe<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> rpc_;
  kj::TaskSet tasks_;
};

}  // namespace lockstitch::sync
