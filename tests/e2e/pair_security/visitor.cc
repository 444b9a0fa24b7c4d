// See visitor.h.
#include "tests/e2e/pair_security/visitor.h"

#include <arpa/inet.h>
#include <capnp/rpc-twoparty.h>
#include <doctest/doctest.h>
#include <kj/compat/tls.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "sync/peer/message_codec.h"

namespace lockstitch::test {

namespace schema = sync::schema;

namespace {

/// Unit: s. Far longer than any answer takes.
constexpr unsigned patience_s = 60;

class Ear final : public schema::Ear::Server {
 public:
  Ear(std::vector<sync::Message>& heard, std::function<void()> on_first)
      : heard_(heard), on_first_(std::move(on_first)) {}
  kj::Promise<void> say(SayContext context) override {
    auto message = sync::read(context.getParams().getMessage());
    if (message.ok()) heard_.push_back(std::move(message).value());
    if (auto told = std::exchange(on_first_, {})) told();
    return kj::READY_NOW;
  }

 private:
  std::vector<sync::Message>& heard_;
  std::function<void()> on_first_;
};

class Door final : public schema::Door::Server {
 public:
  Door(Greeting& greeting, std::vector<sync::Message>& heard, const std::optional<sync::Message>& answer,
       kj::Own<kj::PromiseFulfiller<void>> greeted)
      : greeting_(greeting), heard_(heard), answer_(answer), greeted_(kj::mv(greeted)) {}

  kj::Promise<void> enter(EnterContext context) override {
    const auto from = context.getParams().getGreeting();
    greeting_.protocol = from.getProtocol();
    greeting_.name = std::string(from.getName());
    greeting_.pair = std::string(from.getPair());
    greeting_.address = std::string(from.getAddress());
    greeting_.machine.assign(from.getMachine().begin(), from.getMachine().end());
    back_ = context.getParams().getBack();
    context.getResults().setEar(kj::heap<Ear>(heard_, [this] {
      if (!answer_) return;
      auto request = KJ_ASSERT_NONNULL(back_).sayRequest();
      sync::write(request.initMessage(), *answer_);
      said_ = request.send().eagerlyEvaluate([](kj::Exception&&) {});
    }));
    greeted_->fulfill();
    return kj::READY_NOW;
  }

 private:
  Greeting& greeting_;
  std::vector<sync::Message>& heard_;
  const std::optional<sync::Message>& answer_;
  kj::Own<kj::PromiseFulfiller<void>> greeted_;
  kj::Maybe<schema::Ear::Client> back_;
  kj::Promise<void> said_ = nullptr;
};

kj::Promise<void> in_time(kj::AsyncIoContext& io, kj::Promise<void> promise) {
  return io.provider->getTimer().timeoutAfter(patience_s * kj::SECONDS, kj::mv(promise));
}

}  // namespace

Visit visit(const std::string& address, kj::Own<kj::TlsContext> tls, const Greeting& greeting,
            const std::optional<sync::Message>& message) {
  Visit result;
  auto io = kj::setupAsyncIo();
  try {
    auto stream = io.provider->getNetwork().parseAddress(address).wait(io.waitScope)->connect().wait(io.waitScope);
    auto secure = tls->wrapClient(kj::mv(stream), sync::tls_name).wait(io.waitScope);
    capnp::TwoPartyVatNetwork network(*secure, capnp::rpc::twoparty::Side::CLIENT);
    auto rpc = capnp::makeRpcClient(network);
    capnp::MallocMessageBuilder id;
    auto vat = id.initRoot<capnp::rpc::twoparty::VatId>();
    vat.setSide(capnp::rpc::twoparty::Side::SERVER);
    auto request = rpc.bootstrap(vat).castAs<schema::Door>().enterRequest();
    auto to = request.initGreeting();
    to.setProtocol(greeting.protocol);
    to.setName(greeting.name);
    to.setPair(greeting.pair);
    to.setAddress(greeting.address);
    to.setMachine({greeting.machine.data(), greeting.machine.size()});
    request.setBack(kj::heap<Ear>(result.heard, [] {}));
    kj::Maybe<schema::Ear::Client> ear;
    in_time(io, request.send().then([&](capnp::Response<schema::Door::EnterResults> answer) {
      result.refusal = std::string(answer.getRefusal());
      if (result.refusal.empty()) ear = answer.getEar();
    })).wait(io.waitScope);
    KJ_IF_MAYBE (open, ear) {
      if (!message) return result;
      auto said = open->sayRequest();
      sync::write(said.initMessage(), *message);
      auto sent = said.send().eagerlyEvaluate([](kj::Exception&&) {});
      in_time(io, network.onDisconnect()).wait(io.waitScope);
    }
  } catch (const kj::Exception& exception) {
    result.trouble = exception.getDescription().cStr();
  }
  return result;
}

Greeting receive(const std::string& address, const sync::Keys& keys, const std::optional<sync::Message>& answer) {
  Greeting greeting;
  std::vector<sync::Message> heard;
  auto io = kj::setupAsyncIo();
  auto tls = sync::make_tls(keys);
  auto port = io.provider->getNetwork().parseAddress(address).wait(io.waitScope)->listen();
  auto stream = io.provider->getTimer().timeoutAfter(patience_s * kj::SECONDS, port->accept()).wait(io.waitScope);
  auto secure = tls->wrapServer(kj::mv(stream)).wait(io.waitScope);
  capnp::TwoPartyVatNetwork network(*secure, capnp::rpc::twoparty::Side::SERVER);
  auto greeted = kj::newPromiseAndFulfiller<void>();
  auto rpc = capnp::makeRpcServer(network, kj::heap<Door>(greeting, heard, answer, kj::mv(greeted.fulfiller)));
  in_time(io, kj::mv(greeted.promise)).wait(io.waitScope);
  if (answer) in_time(io, network.onDisconnect()).wait(io.waitScope);
  return greeting;
}

bool is_cut_off(const std::string& address, const std::string& bytes) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  to.sin_port = ::htons(static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
  REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  const timeval limit{patience_s, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  [[maybe_unused]] const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  // An alert of TLS has seven bytes.
  std::size_t all = 0;
  char piece[256];
  ssize_t got = 0;
  while ((got = ::recv(fd, piece, sizeof piece, 0)) > 0) all += static_cast<std::size_t>(got);
  const bool ended = got == 0 || errno == ECONNRESET;
  ::close(fd);
  return ended && all <= 7;
}

}  // namespace lockstitch::test
