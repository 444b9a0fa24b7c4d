// See witness_arbiter.h.
#include "sync/peer/witness_arbiter.h"

#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>
#include <kj/debug.h>

#include "sync/peer/durable_file.h"
#include "sync/peer/witness.capnp.h"

namespace lockstitch::sync {
namespace {

ArbiterRecord record_of(schema::TermRecord::Reader record) { return {record.getTerm(), record.getHolder().cStr()}; }

}  // namespace

class WitnessArbiter::Line {
 public:
  explicit Line(kj::Own<kj::AsyncIoStream> stream)
      : stream_(kj::mv(stream)),
        network_(*stream_, capnp::rpc::twoparty::Side::CLIENT),
        rpc_(capnp::makeRpcClient(network_)) {}

  schema::Witness::Client witness() {
    capnp::MallocMessageBuilder message(4);
    auto server = message.initRoot<capnp::rpc::twoparty::VatId>();
    server.setSide(capnp::rpc::twoparty::Side::SERVER);
    return rpc_.bootstrap(server).castAs<schema::Witness>();
  }

  schema::Ledger::Client& ledger() { return ledger_; }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  schema::Ledger::Client ledger_ = nullptr;
};

WitnessArbiter::WitnessArbiter(const HostPort& place, std::string name, std::string pair, const Keys& keys,
                               kj::AsyncIoContext& io)
    : address_(place.text()),
      name_(std::move(name)),
      pair_(std::move(pair)),
      client_(fresh_suffix()),
      timer_(io.provider->getTimer()),
      network_(io.provider->getNetwork()),
      tls_(make_tls(keys)) {}

WitnessArbiter::~WitnessArbiter() noexcept(false) = default;

kj::Promise<ClaimAnswer> WitnessArbiter::claim(Term expected, const std::string& holder) {
  auto question = std::make_shared<Question>();
  // Looking first costs a round trip and tells a witness that cannot be reached from one that may have heard.
  auto answer = look().then([=, this](ClaimAnswer&& seen) -> kj::Promise<ClaimAnswer> {
    if (seen.record == ArbiterRecord{expected + 1, holder}) return ClaimAnswer{Claim::granted, seen.record, ""};
    if (seen.record.term != expected) return kj::mv(seen);
    return raise(*question, expected, holder);
  });
  return limited(question, kj::mv(answer));
}

kj::Promise<ClaimAnswer> WitnessArbiter::read() { return limited(std::make_shared<Question>(), look()); }

kj::Promise<void> WitnessArbiter::connect() {
  auto dialed = network_.parseAddress(address_).then([](kj::Own<kj::NetworkAddress>&& found) {
    auto stream = found->connect();
    return stream.attach(kj::mv(found));
  });
  return dialed.then([this](kj::Own<kj::AsyncIoStream>&& stream) { return tls_->wrapClient(kj::mv(stream), tls_name); })
      .then([this](kj::Own<kj::AsyncIoStream>&& stream) {
        auto line = kj::heap<Line>(kj::mv(stream));
        auto request = line->witness().openRequest();
        request.setPair(pair_);
        request.setClient({reinterpret_cast<const kj::byte*>(client_.data()), client_.size()});
        auto& opening = *line;
        auto opened = request.send().then([this, &opening](auto&& response) {
          KJ_REQUIRE(response.hasLedger(), "the witness refuses", response.getRefusal());
          opening.ledger() = response.getLedger();
        });
        return opened.then([this, line = kj::mv(line)]() mutable { line_ = kj::mv(line); });
      });
}

kj::Promise<ClaimAnswer> WitnessArbiter::look() {
  if (line_.get() == nullptr) return connect().then([this] { return ask_record(); });
  // A line that was kept may be dead by now, for the witness was started again.
  return ask_record().catch_([this](kj::Exception&&) {
    line_ = nullptr;
    return connect().then([this] { return ask_record(); });
  });
}

kj::Promise<ClaimAnswer> WitnessArbiter::ask_record() {
  return line_->ledger().readRequest().send().then([](auto&& response) -> ClaimAnswer {
    return {Claim::denied, record_of(response.getRecord()), ""};
  });
}

kj::Promise<ClaimAnswer> WitnessArbiter::raise(Question& question, Term expected, const std::string& holder) {
  auto request = line_->ledger().raiseRequest();
  request.setExpected(expected);
  request.setHolder(holder);
  question.claim_sent = true;
  return request.send().then([](auto&& response) -> ClaimAnswer {
    switch (response.getOutcome()) {
      case schema::Ledger::Outcome::GRANTED:
        return {Claim::granted, record_of(response.getRecord()), ""};
      case schema::Ledger::Outcome::DENIED:
        return {Claim::denied, record_of(response.getRecord()), ""};
      default:
        return {Claim::unreachable, {}, response.getRefusal().cStr()};
    }
  });
}

kj::Promise<ClaimAnswer> WitnessArbiter::limited(std::shared_ptr<Question> question, kj::Promise<ClaimAnswer> answer) {
  return answer_in_time(timer_, name_, kj::mv(question), kj::mv(answer)).then([this](ClaimAnswer&& told) {
    // The next line opens a new ledger, by which the witness forgets whatever is still on its way on this one.
    if (told.claim == Claim::unknown || told.claim == Claim::unreachable) line_ = nullptr;
    return kj::mv(told);
  });
}

}  // namespace lockstitch::sync
