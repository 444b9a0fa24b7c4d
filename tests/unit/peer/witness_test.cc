// The witness on the network: strangers, members by the dozen, lost answers, restarts. What every arbiter must do:
// arbiter_contract_test.cc.
#include <capnp/rpc-twoparty.h>
#include <doctest/doctest.h>

#include "sync/peer/witness.capnp.h"
#include "sync/peer/witness_arbiter.h"
#include "tests/unit/peer/arbiter_stand.h"

namespace lockstitch::sync {
namespace {

using test::PairKeys;
using test::WitnessStand;

kj::Own<kj::AsyncIoStream> dial(kj::AsyncIoContext& io, unsigned port) {
  return io.provider->getNetwork()
      .parseAddress("127.0.0.1", port)
      .then([](kj::Own<kj::NetworkAddress>&& found) { return found->connect(); })
      .wait(io.waitScope);
}

/// A client that speaks to the witness by hand.
class Caller {
 public:
  Caller(kj::AsyncIoContext& io, unsigned port, kj::TlsContext& tls)
      : io_(io),
        stream_(tls.wrapClient(dial(io, port), tls_name).wait(io.waitScope)),
        network_(*stream_, capnp::rpc::twoparty::Side::CLIENT),
        rpc_(capnp::makeRpcClient(network_)) {}

  schema::Ledger::Client open(const std::string& pair, const std::string& client) {
    capnp::MallocMessageBuilder message;
    auto server = message.initRoot<capnp::rpc::twoparty::VatId>();
    server.setSide(capnp::rpc::twoparty::Side::SERVER);
    auto request = rpc_.bootstrap(server).castAs<schema::Witness>().openRequest();
    request.setPair(pair);
    request.setClient({reinterpret_cast<const kj::byte*>(client.data()), client.size()});
    auto response = request.send().wait(io_.waitScope);
    refusal = response.getRefusal().cStr();
    return response.hasLedger() ? response.getLedger() : schema::Ledger::Client(nullptr);
  }
  std::string refusal;

 private:
  kj::AsyncIoContext& io_;
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

template <class Act>
bool fails(Act act) {
  return kj::runCatchingExceptions(act) != nullptr;
}

kj::Own<Arbiter> client_of(kj::AsyncIoContext& io, unsigned port, const Keys& keys) {
  auto made = make_arbiter("witness:127.0.0.1:" + std::to_string(port), "pair", keys, io);
  REQUIRE(made.ok());
  return std::move(made).value();
}

/// What a witness is not: it opens ledgers, but what becomes of a claim is up to the test.
class FalseWitness {
 public:
  enum class Behaviour { silent, cut };
  FalseWitness(kj::AsyncIoContext& io, const Keys& keys, Behaviour behaviour)
      : tls_(make_tls(keys)), behaviour_(behaviour) {
    listener_ = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
    port = listener_->getPort();
    serving_ = accept().eagerlyEvaluate(nullptr);
  }
  unsigned port = 0;
  unsigned claims = 0;

 private:
  class Desk final : public schema::Ledger::Server {
   public:
    explicit Desk(FalseWitness& witness) : witness_(witness) {}
    kj::Promise<void> read(ReadContext context) override {
      context.getResults().initRecord();
      return kj::READY_NOW;
    }
    kj::Promise<void> raise(RaiseContext) override {
      ++witness_.claims;
      if (witness_.behaviour_ == Behaviour::silent) return kj::NEVER_DONE;
      witness_.cut_->fulfill();
      return kj::NEVER_DONE;
    }

   private:
    FalseWitness& witness_;
  };
  class Door final : public schema::Witness::Server {
   public:
    explicit Door(FalseWitness& witness) : witness_(witness) {}
    kj::Promise<void> open(OpenContext context) override {
      context.getResults().setLedger(kj::heap<Desk>(witness_));
      return kj::READY_NOW;
    }

   private:
    FalseWitness& witness_;
  };
  struct Session {
    Session(FalseWitness& witness, kj::Own<kj::AsyncIoStream> connected)
        : stream(kj::mv(connected)),
          network(*stream, capnp::rpc::twoparty::Side::SERVER),
          rpc(capnp::makeRpcServer(network, kj::heap<Door>(witness))) {}
    kj::Own<kj::AsyncIoStream> stream;
    capnp::TwoPartyVatNetwork network;
    capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
  };

  kj::Promise<void> accept() {
    return listener_->accept()
        .then([this](kj::Own<kj::AsyncIoStream>&& stream) { return tls_->wrapServer(kj::mv(stream)); })
        .then([this](kj::Own<kj::AsyncIoStream>&& stream) {
          auto cut = kj::newPromiseAndFulfiller<void>();
          cut_ = kj::mv(cut.fulfiller);
          auto session = kj::heap<Session>(*this, kj::mv(stream));
          auto gone = session->network.onDisconnect();
          return gone.exclusiveJoin(kj::mv(cut.promise)).attach(kj::mv(session));
        })
        .then([this] { return accept(); });
  }

  kj::Own<kj::TlsContext> tls_;
  const Behaviour behaviour_;
  kj::Own<kj::ConnectionReceiver> listener_;
  kj::Own<kj::PromiseFulfiller<void>> cut_;
  kj::Promise<void> serving_ = nullptr;
};

TEST_CASE("a stranger gets nothing, and members notice nothing of him") {
  auto io = kj::setupAsyncIo();
  WitnessStand stand(io);
  const PairKeys strangers;
  auto member = stand.client();
  CHECK(member->claim(0, "a").wait(io.waitScope).claim == Claim::granted);

  SUBCASE("with keys of another authority") {
    const ClaimAnswer answer = client_of(io, stand.port(), strangers.of("a"))->claim(1, "z").wait(io.waitScope);
    CHECK(answer.claim == Claim::unreachable);
    CHECK(answer.record == ArbiterRecord{});
  }
  SUBCASE("with another authority's certificate, believing in ours") {
    Keys mixed = strangers.of("a");
    mixed.authority = stand.keys().of("a").authority;
    auto tls = make_tls(mixed);
    CHECK(fails([&] { Caller(io, stand.port(), *tls).open("pair", "12345678"); }));
  }
  SUBCASE("without a certificate") {
    const std::string pem = stand.keys().of("a").authority;
    const kj::TlsCertificate authority(kj::StringPtr(pem.c_str(), pem.size()));
    kj::TlsContext::Options options;
    options.useSystemTrustStore = false;
    options.trustedCertificates = kj::arrayPtr(&authority, 1);
    kj::TlsContext tls(options);
    CHECK(fails([&] { Caller(io, stand.port(), tls).open("pair", "12345678"); }));
  }
  SUBCASE("without TLS") {
    auto stream = dial(io, stand.port());
    const std::string words = "GET / HTTP/1.0\r\n\r\n";
    stream->write(words.data(), words.size()).wait(io.waitScope);
    std::string heard;
    const bool cut = fails([&] { heard = stream->readAllText(4096).wait(io.waitScope).cStr(); });
    CHECK((cut || heard.size() < 16));  // a TLS alert at most
  }
  CHECK(member->claim(1, "b").wait(io.waitScope).record == ArbiterRecord{2, "b"});
  CHECK(stand.client()->read().wait(io.waitScope).record == ArbiterRecord{2, "b"});
}

TEST_CASE("strangers who connect and say nothing keep no member out") {
  auto io = kj::setupAsyncIo();
  WitnessStand stand(io);
  auto member = stand.client();
  CHECK(member->read().wait(io.waitScope).claim == Claim::denied);
  std::vector<kj::Own<kj::AsyncIoStream>> strangers;
  for (unsigned i = 0; i < WitnessServer::max_connections + 40; ++i) strangers.push_back(dial(io, stand.port()));
  CHECK(stand.client()->claim(0, "a").wait(io.waitScope).claim == Claim::granted);
  CHECK(member->read().wait(io.waitScope).record == ArbiterRecord{1, "a"});
}

TEST_CASE("as many members as it has places for are served, one more is not, until one goes") {
  auto io = kj::setupAsyncIo();
  WitnessStand stand(io);
  std::vector<kj::Own<Arbiter>> members;
  for (unsigned i = 0; i < WitnessServer::max_connections; ++i) {
    members.push_back(stand.client());
    CHECK(members.back()->read().wait(io.waitScope).claim == Claim::denied);
  }
  auto late = stand.client();
  CHECK(late->read().wait(io.waitScope).claim == Claim::unreachable);
  for (auto& member : members) CHECK(member->read().wait(io.waitScope).claim == Claim::denied);
  members.pop_back();
  // The witness learns of it in its own time.
  ClaimAnswer answer;
  while (answer.claim != Claim::denied) answer = late->read().wait(io.waitScope);
  CHECK(answer.record == ArbiterRecord{});
}

TEST_CASE("a claim that was sent and not answered is unknown") {
  auto io = kj::setupAsyncIo();
  const PairKeys keys;
  for (const auto behaviour : {FalseWitness::Behaviour::silent, FalseWitness::Behaviour::cut}) {
    FalseWitness witness(io, keys.of("witness"), behaviour);
    auto client = client_of(io, witness.port, keys.of("a"));
    CHECK(client->read().wait(io.waitScope).claim == Claim::denied);
    CHECK(witness.claims == 0);
    const ClaimAnswer answer = client->claim(0, "a").wait(io.waitScope);
    CHECK(answer.claim == Claim::unknown);
    CHECK(!answer.why.empty());
    CHECK(witness.claims == 1);
  }
}

TEST_CASE("a claim is not sent to a witness that takes calls and answers nothing") {
  auto io = kj::setupAsyncIo();
  const PairKeys keys;
  // Listens, but nobody accepts.
  auto listener = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
  auto client = client_of(io, listener->getPort(), keys.of("a"));
  CHECK(client->claim(0, "a").wait(io.waitScope).claim == Claim::unreachable);
}

TEST_CASE("a newer ledger of a client ends the older one, so that no claim comes late") {
  auto io = kj::setupAsyncIo();
  WitnessStand stand(io);
  auto tls = make_tls(stand.keys().of("a"));
  Caller before(io, stand.port(), *tls), after(io, stand.port(), *tls), other(io, stand.port(), *tls);
  auto old_ledger = before.open("pair", "client-1");
  auto other_ledger = other.open("pair", "client-2");
  auto new_ledger = after.open("pair", "client-1");
  const auto raise = [&](schema::Ledger::Client& ledger, Term expected, const char* holder) {
    auto request = ledger.raiseRequest();
    request.setExpected(expected);
    request.setHolder(holder);
    return request.send().wait(io.waitScope).getOutcome();
  };
  CHECK(fails([&] { raise(old_ledger, 0, "a"); }));
  CHECK(fails([&] { old_ledger.readRequest().send().wait(io.waitScope); }));
  CHECK(new_ledger.readRequest().send().wait(io.waitScope).getRecord().getTerm() == 0);
  CHECK(raise(new_ledger, 0, "a") == schema::Ledger::Outcome::GRANTED);
  CHECK(raise(other_ledger, 0, "b") == schema::Ledger::Outcome::DENIED);
  CHECK(raise(other_ledger, 1, "B!") == schema::Ledger::Outcome::REFUSED);
}

TEST_CASE("a bad pair or client gets a refusal and no ledger") {
  auto io = kj::setupAsyncIo();
  WitnessStand stand(io);
  auto tls = make_tls(stand.keys().of("a"));
  Caller caller(io, stand.port(), *tls);
  caller.open("../x", "12345678");
  CHECK(!caller.refusal.empty());
  caller.open("pair", "short");
  CHECK(!caller.refusal.empty());
  caller.open("pair", "12345678");
  CHECK(caller.refusal.empty());
}

TEST_CASE("a witness that was started again still knows, and is found at the first question") {
  auto io = kj::setupAsyncIo();
  WitnessStand stand(io);
  auto client = stand.client();
  CHECK(client->claim(0, "a").wait(io.waitScope).claim == Claim::granted);
  stand.vanish();
  stand.come_back();
  CHECK(client->read().wait(io.waitScope).record == ArbiterRecord{1, "a"});
  stand.vanish();
  stand.come_back();
  CHECK(client->claim(1, "a").wait(io.waitScope).claim == Claim::granted);
}

TEST_CASE("each term that is raised is told once") {
  auto io = kj::setupAsyncIo();
  WitnessStand stand(io);
  std::vector<std::string> told;
  stand.server().set_on_raised([&](const std::string& pair, const ArbiterRecord& record) {
    told.push_back(pair + " " + std::to_string(record.term) + " " + record.holder);
  });
  auto client = stand.client();
  client->claim(0, "a").wait(io.waitScope);
  client->claim(0, "a").wait(io.waitScope);
  client->claim(0, "b").wait(io.waitScope);
  client->claim(1, "b").wait(io.waitScope);
  CHECK(told == std::vector<std::string>{"pair 1 a", "pair 2 b"});
}

}  // namespace
}  // namespace lockstitch::sync
