// See witness_server.h.
#include "sync/peer/witness_server.h"

#include <kj/debug.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sync/peer/member_name.h"

namespace lockstitch::sync {
namespace {

/// Of the largest message that a client has reason to send.
capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 8 << 10;
  options.nestingLimit = 16;
  return options;
}

void fill(schema::TermRecord::Builder to, const ArbiterRecord& record) {
  to.setTerm(record.term);
  to.setHolder(record.holder);
}

/// A host that went without a word is noticed within half a minute.
void watch(kj::AsyncIoStream& stream) {
  const auto set = [&](int level, int option, int value) { stream.setsockopt(level, option, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
}

}  // namespace

/// One connection's place among at most `max_connections`.
class WitnessServer::Place {
 public:
  explicit Place(unsigned& count) : count_(count) { ++count_; }
  ~Place() { --count_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  unsigned& count_;
};

/// One of greetings_, as long as it lives.
class WitnessServer::Greeting {
 public:
  Greeting(WitnessServer& server, kj::Own<kj::PromiseFulfiller<void>> close)
      : server_(server), place_(server.greetings_.insert(server.greetings_.end(), kj::mv(close))) {}
  ~Greeting() { server_.greetings_.erase(place_); }
  Greeting(const Greeting&) = delete;
  Greeting& operator=(const Greeting&) = delete;

 private:
  WitnessServer& server_;
  const std::list<kj::Own<kj::PromiseFulfiller<void>>>::iterator place_;
};

class WitnessServer::Desk final : public schema::Ledger::Server {
 public:
  Desk(WitnessServer& server, std::string pair, std::string client)
      : server_(server), pair_(std::move(pair)), client_(std::move(client)) {
    server_.current_[client_] = this;
  }
  ~Desk() noexcept(false) {
    if (is_current()) server_.current_.erase(client_);
  }

 protected:
  kj::Promise<void> read(ReadContext context) override {
    KJ_REQUIRE(is_current(), "this ledger was replaced by a newer one of its client");
    fill(context.getResults().initRecord(), server_.store_.read(pair_));
    return kj::READY_NOW;
  }

  kj::Promise<void> raise(RaiseContext context) override {
    KJ_REQUIRE(is_current(), "this ledger was replaced by a newer one of its client");
    const std::string holder = context.getParams().getHolder().cStr();
    const auto raised = server_.store_.raise(pair_, context.getParams().getExpected(), holder);
    if (!raised.ok()) {
      auto lost = KJ_EXCEPTION(FAILED, raised.error().text.c_str());
      server_.store_failed_->reject(kj::cp(lost));
      return lost;
    }
    auto results = context.getResults();
    switch (raised.value().claim) {
      case Claim::granted:
        results.setOutcome(schema::Ledger::Outcome::GRANTED);
        break;
      case Claim::denied:
        results.setOutcome(schema::Ledger::Outcome::DENIED);
        break;
      default:
        results.setOutcome(schema::Ledger::Outcome::REFUSED);
    }
    fill(results.initRecord(), raised.value().record);
    results.setRefusal(raised.value().why);
    if (raised.value().now && server_.on_raised_) server_.on_raised_(pair_, raised.value().record);
    return kj::READY_NOW;
  }

 private:
  bool is_current() const {
    const auto found = server_.current_.find(client_);
    return found != server_.current_.end() && found->second == this;
  }

  WitnessServer& server_;
  const std::string pair_;
  const std::string client_;
};

class WitnessServer::Door final : public schema::Witness::Server {
 public:
  explicit Door(WitnessServer& server) : server_(server) {}

 protected:
  kj::Promise<void> open(OpenContext context) override {
    const std::string pair = context.getParams().getPair().cStr();
    const capnp::Data::Reader client = context.getParams().getClient();
    auto results = context.getResults();
    if (!is_member_name(pair)) {
      results.setRefusal("a bad name of a pair");
    } else if (client.size() < 8 || client.size() > 32) {
      results.setRefusal("a bad client");
    } else {
      results.setLedger(kj::heap<Desk>(server_, pair, pair + "/" + std::string(client.begin(), client.end())));
    }
    return kj::READY_NOW;
  }

 private:
  WitnessServer& server_;
};

/// A member's connection.
struct WitnessServer::Session {
  Session(WitnessServer& server, kj::Own<kj::AsyncIoStream> connected)
      : place(server.members_),
        stream(kj::mv(connected)),
        network(*stream, capnp::rpc::twoparty::Side::SERVER, reader_options()),
        rpc(capnp::makeRpcServer(network, kj::heap<Door>(server))) {}

  // Each needs those before it.
  Place place;
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

WitnessServer::WitnessServer(kj::AsyncIoContext& io, WitnessStore& store, const Keys& keys)
    : timer_(io.provider->getTimer()),
      network_(io.provider->getNetwork()),
      store_(store),
      tls_(make_tls(keys)),
      tasks_(*this) {}

WitnessServer::~WitnessServer() noexcept(false) = default;

kj::Promise<void> WitnessServer::listen(std::string address, kj::Function<void(unsigned port)> on_listening) {
  auto failed = kj::newPromiseAndFulfiller<void>();
  store_failed_ = kj::mv(failed.fulfiller);
  auto parsed = network_.parseAddress(address);
  auto listening =
      parsed.then([this, on_listening = kj::mv(on_listening)](kj::Own<kj::NetworkAddress>&& found) mutable {
        auto port = found->listen();
        on_listening(port->getPort());
        auto accepting = accept_all(*port);
        return accepting.attach(kj::mv(port));
      });
  return listening.exclusiveJoin(kj::mv(failed.promise));
}

kj::Promise<void> WitnessServer::accept_all(kj::ConnectionReceiver& port) {
  auto accepted = port.accept().then(
      [this](kj::Own<kj::AsyncIoStream>&& stream) -> kj::Promise<void> {
        welcome(kj::mv(stream));
        return kj::READY_NOW;
      },
      // No descriptor left, or a caller that was gone again.
      [this](kj::Exception&&) -> kj::Promise<void> { return timer_.afterDelay(100 * kj::MILLISECONDS); });
  return accepted.then([this, &port] { return accept_all(port); });
}

void WitnessServer::welcome(kj::Own<kj::AsyncIoStream> stream) {
  if (greetings_.size() >= max_connections) greetings_.front()->reject(KJ_EXCEPTION(OVERLOADED, "too many strangers"));
  watch(*stream);
  auto closed = kj::newPromiseAndFulfiller<void>();
  auto greeting = kj::heap<Greeting>(*this, kj::mv(closed.fulfiller));
  auto turned_away = closed.promise.then([]() -> kj::Own<kj::AsyncIoStream> { KJ_UNREACHABLE; });
  auto known = tls_->wrapServer(kj::mv(stream)).exclusiveJoin(kj::mv(turned_away)).attach(kj::mv(greeting));
  auto limited = timer_.timeoutAfter(greeting_limit_s * kj::SECONDS, kj::mv(known));
  tasks_.add(limited.then([this](kj::Own<kj::AsyncIoStream>&& member) -> kj::Promise<void> {
    if (members_ >= max_connections) return kj::READY_NOW;
    return serve(kj::mv(member));
  }));
}

kj::Promise<void> WitnessServer::serve(kj::Own<kj::AsyncIoStream> stream) {
  auto session = kj::heap<Session>(*this, kj::mv(stream));
  auto gone = session->network.onDisconnect();
  return gone.attach(kj::mv(session));
}

/// Only connections fail here: of strangers, or cut.
void WitnessServer::taskFailed(kj::Exception&&) {}

}  // namespace lockstitch::sync
