// See link.h.
#include "sync/peer/link.h"

#include <capnp/rpc.h>

#include "sync/peer/message_codec.h"

namespace lockstitch::sync {
namespace {

/// Unit: words. The largest message is a part of a machine.
constexpr std::uint64_t message_max_words = (96u << 20) / sizeof(capnp::word);

capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = message_max_words;
  return options;
}

}  // namespace

class Link::EarServer final : public schema::Ear::Server {
 public:
  explicit EarServer(Link& link) : link_(link) {}
  kj::Promise<void> say(SayContext context) override { return link_.heard(context.getParams().getMessage()); }

 private:
  Link& link_;
};

class Link::DoorServer final : public schema::Door::Server {
 public:
  explicit DoorServer(Link& link) : link_(link) {}

  kj::Promise<void> enter(EnterContext context) override {
    auto params = context.getParams();
    if (link_.listener_ == nullptr || link_.begun_) return KJ_EXCEPTION(FAILED, "one greeting is enough");
    const std::string refusal = link_.listener_->greeted(params.getGreeting());
    auto results = context.getResults();
    results.setRefusal(refusal);
    if (!refusal.empty()) return kj::READY_NOW;
    results.setEar(kj::heap<EarServer>(link_));
    link_.begin(params.getBack());
    return kj::READY_NOW;
  }

 private:
  Link& link_;
};

Link::Link(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side, LinkListener& listener, HostTime now)
    : listener_(&listener),
      since_(now),
      stream_(kj::mv(stream)),
      network_(*stream_, side, reader_options()),
      tasks_(*this) {
  tasks_.add(network_.onDisconnect().then([this] { fail("the peer closed the connection"); }));
}

Link::~Link() noexcept(false) = default;

kj::Own<Link> Link::accepted(kj::Own<kj::AsyncIoStream> stream, LinkListener& listener, HostTime now) {
  auto link = kj::heap<Link>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER, listener, now);
  link->rpc_.emplace(capnp::makeRpcServer(link->network_, kj::heap<DoorServer>(*link)));
  return link;
}

kj::Own<Link> Link::dialed(kj::Own<kj::AsyncIoStream> stream, LinkListener& listener, HostTime now,
                           kj::FunctionParam<void(schema::Greeting::Builder)> write) {
  auto link = kj::heap<Link>(kj::mv(stream), capnp::rpc::twoparty::Side::CLIENT, listener, now);
  Link& self = *link;
  self.dialed_ = true;
  auto& rpc = self.rpc_.emplace(capnp::makeRpcClient(self.network_));
  capnp::MallocMessageBuilder id;
  auto vat = id.initRoot<capnp::rpc::twoparty::VatId>();
  vat.setSide(capnp::rpc::twoparty::Side::SERVER);
  auto request = rpc.bootstrap(vat).castAs<schema::Door>().enterRequest();
  write(request.initGreeting());
  request.setBack(kj::heap<EarServer>(self));
  self.tasks_.add(request.send().then([&self](capnp::Response<schema::Door::EnterResults> response) {
    const std::string refusal = response.getRefusal();
    if (!refusal.empty()) return self.fail(refusal);
    self.begin(response.getEar());
  }));
  return link;
}

void Link::begin(schema::Ear::Client ear) {
  ear_ = kj::mv(ear);
  begun_ = true;
  if (listener_ != nullptr) listener_->begun(*this);
}

kj::Promise<void> Link::say(const Message& message) {
  KJ_IF_MAYBE (ear, ear_) {
    auto request = ear->sayRequest(capnp::MessageSize{64 + std::visit(
                                                               [](const auto& m) -> std::uint64_t {
                                                                 using T = std::decay_t<decltype(m)>;
                                                                 if constexpr (std::is_same_v<T, Log>)
                                                                   return m.batch.size() / 8;
                                                                 else if constexpr (std::is_same_v<T, JoinData>)
                                                                   return m.part.size() / 8;
                                                                 else
                                                                   return 0;
                                                               },
                                                               message),
                                                      0});
    write(request.initMessage(), message);
    return request.send();
  }
  return kj::READY_NOW;
}

kj::Promise<void> Link::heard(schema::Message::Reader message) {
  if (listener_ == nullptr) return kj::READY_NOW;
  auto read_message = read(message);
  if (!read_message.ok()) return KJ_EXCEPTION(FAILED, read_message.error().text);
  const bool bulk = std::holds_alternative<JoinData>(read_message.value());
  listener_->heard(*this, std::move(read_message).value());
  if (bulk && listener_ != nullptr) return listener_->room();
  return kj::READY_NOW;
}

void Link::fail(const std::string& why) {
  if (LinkListener* listener = std::exchange(listener_, nullptr)) listener->ended(*this, why);
}

void Link::taskFailed(kj::Exception&& exception) { fail(exception.getDescription().cStr()); }

}  // namespace lockstitch::sync
