// Where conversations with the peer begin: listens, dials, and holds connections until their greeting has been
// answered. Whoever shows no key of the pair, or does not begin, is turned away here.
#pragma once
#include <kj/async-io.h>
#include <kj/compat/tls.h>

#include <deque>
#include <string>

#include "sync/peer/link.h"
#include "sync/replica/failure_detector.h"

namespace lockstitch::sync {

class DoorwayOwner {
 public:
  virtual ~DoorwayOwner() noexcept(false) = default;
  virtual void write_greeting(schema::Greeting::Builder to) = 0;
  /// A leader greets: the refusal, or an empty text.
  virtual std::string answer_greeting(schema::Greeting::Reader greeting) = 0;
  /// A conversation has begun; what is said in it goes to `listener()` from now on.
  virtual void met(kj::Own<Link> link) = 0;
  virtual LinkListener& listener() = 0;
  /// A connection without a key of the pair. Not every one is told of when there are many.
  virtual void stranger(const std::string& why) = 0;
  /// The peer could not be reached, or refused.
  virtual void away(const std::string& why) = 0;
};

class Doorway final : private LinkListener, private kj::TaskSet::ErrorHandler {
 public:
  // Unit: ms.
  static constexpr unsigned dial_limit_ms = 1000;   ///< from the attempt to the end of the TLS handshake
  static constexpr unsigned guest_limit_ms = 2000;  ///< from there to the end of the greeting
  static constexpr unsigned dial_again_ms = 3000;   ///< after a refusal
  static constexpr std::size_t max_guests = 8;

  Doorway(kj::AsyncIoContext& io, kj::Own<kj::TlsContext> tls, DoorwayOwner& owner);
  ~Doorway() noexcept(false) override;

  /// Fails: the address is not ours, or taken.
  Outcome listen(const std::string& address, HostTime now);
  /// Unless it is being dialed, or has refused a moment ago.
  void dial(const std::string& address, HostTime now);
  void not_before(HostTime when) { dial_not_before_ = when; }
  /// Now and then: turns away who does not begin.
  void time_passes(HostTime now);

 private:
  kj::Promise<void> accept();
  kj::Promise<kj::Own<kj::AsyncIoStream>> in_time(kj::Promise<kj::Own<kj::AsyncIoStream>> stream);
  kj::Own<Link> leave(Link& link);

  std::string greeted(schema::Greeting::Reader greeting) override { return owner_.answer_greeting(greeting); }
  void begun(Link& link) override;
  void heard(Link&, Message) override {}
  void ended(Link& link, const std::string& why) override;
  kj::Promise<void> room() override { return kj::READY_NOW; }
  void taskFailed(kj::Exception&& exception) override;

  kj::AsyncIoContext& io_;
  kj::Own<kj::TlsContext> tls_;
  DoorwayOwner& owner_;
  kj::Own<kj::ConnectionReceiver> port_;
  std::deque<kj::Own<Link>> guests_;
  std::deque<kj::Own<Link>> retired_;  ///< to be destroyed when none of their calls is on the stack
  bool dialing_ = false;
  HostTime now_ = 0, dial_not_before_ = 0, strangers_silent_until_ = 0;
  kj::TaskSet tasks_;
};

}  // namespace lockstitch::sync
