// The etcd arbiter when answers are lost and requests come late. What every arbiter must do: arbiter_contract_test.cc.
#include "sync/peer/etcd_arbiter.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <vector>

#include "tests/unit/peer/arbiter_stand.h"

namespace lockstitch::sync {
namespace {

using test::EtcdStand;

/// Between client and etcd: passes everything on, but may keep the first transaction back, past its client's patience.
class Holdup {
 public:
  Holdup(kj::AsyncIoContext& io, unsigned etcd_port) : io_(io), etcd_port_(etcd_port) {
    listener_ = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
    port = listener_->getPort();
    serving_ = accept().eagerlyEvaluate(nullptr);
  }
  unsigned port = 0;
  bool hold_next = false;

  bool holds() const { return !held_.empty(); }
  /// Sends what was held to etcd, and waits until it was answered.
  void let_go() {
    held_stream_->write(held_.data(), held_.size()).wait(io_.waitScope);
    std::array<char, 4096> answer{};
    held_stream_->read(answer.data(), 1, answer.size()).wait(io_.waitScope);
    held_.clear();
  }

 private:
  struct Pipe {
    kj::Own<kj::AsyncIoStream> client, etcd;
    std::array<char, 8192> up{}, down{};
  };

  kj::Promise<void> accept() {
    return listener_->accept().then([this](kj::Own<kj::AsyncIoStream>&& client) {
      auto connected = io_.provider->getNetwork()
                           .parseAddress("127.0.0.1", etcd_port_)
                           .then([](kj::Own<kj::NetworkAddress>&& found) { return found->connect(); });
      pipes_.push_back(connected
                           .then([this, client = kj::mv(client)](kj::Own<kj::AsyncIoStream>&& etcd) mutable {
                             auto pipe = std::make_shared<Pipe>();
                             pipe->client = kj::mv(client);
                             pipe->etcd = kj::mv(etcd);
                             return carry_up(pipe).exclusiveJoin(carry_down(pipe));
                           })
                           .eagerlyEvaluate([](kj::Exception&&) {}));
      return accept();
    });
  }

  kj::Promise<void> carry_up(std::shared_ptr<Pipe> pipe) {
    return pipe->client->tryRead(pipe->up.data(), 1, pipe->up.size())
        .then([this, pipe](std::size_t size) -> kj::Promise<void> {
          if (size == 0) return kj::READY_NOW;
          const std::string text(pipe->up.data(), size);
          if (hold_next && text.find("/v3/kv/txn") != std::string::npos) {
            hold_next = false;
            held_ = text;
            held_stream_ = kj::mv(pipe->etcd);
            return kj::NEVER_DONE;
          }
          return pipe->etcd->write(pipe->up.data(), size).then([this, pipe] { return carry_up(pipe); });
        });
  }
  kj::Promise<void> carry_down(std::shared_ptr<Pipe> pipe) {
    if (pipe->etcd.get() == nullptr) return kj::NEVER_DONE;
    return pipe->etcd->tryRead(pipe->down.data(), 1, pipe->down.size())
        .then([this, pipe](std::size_t size) -> kj::Promise<void> {
          if (size == 0) return kj::READY_NOW;
          return pipe->client->write(pipe->down.data(), size).then([this, pipe] { return carry_down(pipe); });
        });
  }

  kj::AsyncIoContext& io_;
  const unsigned etcd_port_;
  kj::Own<kj::ConnectionReceiver> listener_;
  std::string held_;
  kj::Own<kj::AsyncIoStream> held_stream_;
  std::vector<kj::Promise<void>> pipes_;
  kj::Promise<void> serving_ = nullptr;
};

TEST_CASE("a claim kept back on its way is unknown, and after a look it can never be carried out") {
  if (!EtcdStand::why_not().empty()) {
    MESSAGE("skipped: ", EtcdStand::why_not());
    return;
  }
  auto io = kj::setupAsyncIo();
  EtcdStand stand(io);
  auto witness = stand.client();
  Term term = 0;
  SUBCASE("of a pair that never ran") {}
  SUBCASE("of a pair that ran before") {
    term = 1;
    REQUIRE(witness->claim(0, "x").wait(io.waitScope).claim == Claim::granted);
  }
  const ArbiterRecord before{term, term == 0 ? "" : "x"};
  Holdup holdup(io, stand.port());
  auto made = make_arbiter("etcd:127.0.0.1:" + std::to_string(holdup.port), "pair", {}, io);
  REQUIRE(made.ok());
  Arbiter& client = *made.value();
  holdup.hold_next = true;
  CHECK(client.claim(term, "a").wait(io.waitScope).claim == Claim::unknown);
  REQUIRE(holdup.holds());

  SUBCASE("a look finds the old record, and that stays") {
    const ClaimAnswer looked = client.read().wait(io.waitScope);
    CHECK(looked.claim == Claim::denied);
    CHECK(looked.record == before);
    holdup.let_go();
    CHECK(witness->read().wait(io.waitScope).record == before);
    CHECK(client.claim(term, "a").wait(io.waitScope).record == ArbiterRecord{term + 1, "a"});
  }
  SUBCASE("a look after it has arrived finds the new one") {
    holdup.let_go();
    CHECK(client.read().wait(io.waitScope).record == ArbiterRecord{term + 1, "a"});
  }
  SUBCASE("somebody else was faster meanwhile") {
    CHECK(witness->claim(term, "b").wait(io.waitScope).claim == Claim::granted);
    holdup.let_go();
    CHECK(client.read().wait(io.waitScope).record == ArbiterRecord{term + 1, "b"});
  }
}

/// What a look at somebody who always answers `body` finds.
ClaimAnswer look_at(kj::AsyncIoContext& io, const std::string& status, const std::string& body) {
  auto listener = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
  const std::string answer = "HTTP/1.1 " + status +
                             "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\n\r\n" + body;
  std::array<char, 4096> request{};
  auto serving = listener->accept()
                     .then([&](kj::Own<kj::AsyncIoStream>&& stream) {
                       auto& caller = *stream;
                       return caller.read(request.data(), 1, request.size())
                           .then([&](std::size_t) { return caller.write(answer.data(), answer.size()); })
                           .then([]() -> kj::Promise<void> { return kj::NEVER_DONE; })
                           .attach(kj::mv(stream));
                     })
                     .eagerlyEvaluate([](kj::Exception&&) {});
  auto made = make_arbiter("etcd:127.0.0.1:" + std::to_string(listener->getPort()), "pair", {}, io);
  REQUIRE(made.ok());
  return made.value()->read().wait(io.waitScope);
}

TEST_CASE("an etcd that answers nonsense or errors is unreachable") {
  auto io = kj::setupAsyncIo();
  const ClaimAnswer good =
      look_at(io, "200 OK", R"({"header":{"revision":"9"},"kvs":[{"mod_revision":"7","value":"MyBh"}],"count":"1"})");
  CAPTURE(good.why);
  REQUIRE(good.claim == Claim::denied);
  CHECK(good.record == ArbiterRecord{3, "a"});
  CHECK(look_at(io, "200 OK", "{}").record == ArbiterRecord{});
  const std::vector<std::string> nonsense{"",
                                          "{",
                                          "[]",
                                          R"({"kvs":[{"value":"!!"}]})",
                                          R"({"kvs":[{"mod_revision":"7","value":"eA=="}]})",
                                          R"({"kvs":[{"mod_revision":"x","value":"MyBh"}]})",
                                          R"({"kvs":7})",
                                          std::string(100000, ' ') + "{}"};
  for (const std::string& body : nonsense) {
    CAPTURE(body.substr(0, 60));
    const ClaimAnswer answer = look_at(io, "200 OK", body);
    CHECK(answer.claim == Claim::unreachable);
    CHECK(!answer.why.empty());
  }
  CHECK(look_at(io, "503 Service Unavailable", "{}").claim == Claim::unreachable);
}

}  // namespace
}  // namespace lockstitch::sync
