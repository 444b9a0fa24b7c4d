// See etcd_arbiter.h. Requests: etcd.capnp.
#include "sync/peer/etcd_arbiter.h"

#include <capnp/compat/json.h>
#include <capnp/message.h>
#include <fmt/format.h>
#include <kj/debug.h>

#include <charconv>

#include "sync/peer/etcd.capnp.h"
#include "sync/peer/member_name.h"

namespace lockstitch::sync {
namespace {

/// Unit: bytes. Far above any real answer.
constexpr std::uint64_t answer_limit_bytes = 64 << 10;

kj::ArrayPtr<const kj::byte> data_of(const std::string& text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

std::string value_text(const ArbiterRecord& record) {
  return record.term == 0 ? "0" : fmt::format("{} {}", record.term, record.holder);
}

ArbiterRecord parse_value(const std::string& text) {
  ArbiterRecord record;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), record.term);
  if (error == std::errc{} && record.term != 0 && stop != text.data() + text.size()) record.holder = stop + 1;
  KJ_REQUIRE(text == value_text(record) && (record.term == 0 || is_member_name(record.holder)),
             "the key in etcd holds no term", text.c_str());
  return record;
}

template <class T>
kj::String to_json(typename T::Reader request) {
  capnp::JsonCodec codec;
  codec.handleByAnnotation<T>();
  return codec.encode(request);
}

template <class T, class Use>
auto from_json(kj::StringPtr text, Use use) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<T>();
  capnp::JsonCodec codec;
  codec.handleByAnnotation<T>();
  codec.decode(text, root);
  return use(root.asReader());
}

}  // namespace

/// A connection for one question.
class EtcdArbiter::Line {
 public:
  Line(kj::Own<kj::AsyncIoStream> stream, const kj::HttpHeaderTable& headers, const std::string& host)
      : stream_(kj::mv(stream)), http_(kj::newHttpClient(headers, *stream_)), headers_(headers), host_(host) {}

  /// Fails: another answer than success.
  kj::Promise<kj::String> post(kj::StringPtr path, kj::String body) {
    kj::HttpHeaders headers(headers_);
    headers.set(kj::HttpHeaderId::HOST, kj::str(host_.c_str()));
    headers.set(kj::HttpHeaderId::CONTENT_TYPE, "application/json");
    auto request = http_->request(kj::HttpMethod::POST, path, headers, body.size());
    auto written = request.body->write(body.begin(), body.size());
    return written.attach(kj::mv(body), kj::mv(request.body))
        .then([response = kj::mv(request.response)]() mutable { return kj::mv(response); })
        .then([](kj::HttpClient::Response&& response) {
          const unsigned status = response.statusCode;
          auto text = response.body->readAllText(answer_limit_bytes);
          return text.attach(kj::mv(response.body)).then([status](kj::String&& answer) {
            KJ_REQUIRE(status == 200, "etcd answers with an error", status, answer);
            return kj::mv(answer);
          });
        });
  }

  static Seen seen_in(schema::EtcdRangeAnswer::Reader answer) {
    if (answer.getKvs().size() == 0) return {};
    const auto found = answer.getKvs()[0];
    const capnp::Data::Reader value = found.getValue();
    return {parse_value(std::string(value.begin(), value.end())), found.getModRevision()};
  }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<kj::HttpClient> http_;
  const kj::HttpHeaderTable& headers_;
  const std::string& host_;
};

EtcdArbiter::EtcdArbiter(const HostPort& place, std::string name, std::string pair, kj::AsyncIoContext& io)
    : address_(place.text()),
      name_(std::move(name)),
      key_("lockstitch/term/" + pair),
      timer_(io.provider->getTimer()),
      network_(io.provider->getNetwork()) {}

kj::Promise<ClaimAnswer> EtcdArbiter::claim(Term expected, const std::string& holder) {
  const ArbiterRecord wanted{expected + 1, holder};
  if (!is_member_name(holder) || wanted.term == 0) return ClaimAnswer{Claim::unreachable, {}, "a bad name or term"};
  auto question = std::make_shared<Question>();
  auto answer = connect().then([=, this](kj::Own<Line>&& line) {
    auto seen = look(*line);
    return seen
        .then([=, this, &open = *line](Seen&& found) -> kj::Promise<ClaimAnswer> {
          if (found.record == wanted) return ClaimAnswer{Claim::granted, wanted, ""};
          if (found.record.term != expected) return ClaimAnswer{Claim::denied, found.record, ""};
          question->claim_sent = true;
          doubtful_revision_ = found.revision;
          return write(open, found.revision, wanted).then([=, this](Written&& written) -> ClaimAnswer {
            doubtful_revision_.reset();
            if (written.done) return {Claim::granted, wanted, ""};
            // Written without a change of the term by a replica that settled its doubts: it is not ours, and not
            // theirs.
            if (written.seen.record.term == expected)
              return {Claim::unreachable, {}, "somebody wrote the record again as it was; ask once more"};
            return {written.seen.record == wanted ? Claim::granted : Claim::denied, written.seen.record, ""};
          });
        })
        .attach(kj::mv(line));
  });
  return answer_in_time(timer_, name_, question, kj::mv(answer));
}

kj::Promise<ClaimAnswer> EtcdArbiter::read() {
  auto answer = connect().then([this](kj::Own<Line>&& line) {
    auto seen = look(*line);
    return seen.then([this, &open = *line](Seen&& found) { return settle(open, kj::mv(found)); }).attach(kj::mv(line));
  });
  return answer_in_time(timer_, name_, std::make_shared<Question>(), kj::mv(answer));
}

/// As long as the key has the revision with which a lost transaction compares, that may still succeed. So the record is
/// written again as it is: after that it cannot.
kj::Promise<ClaimAnswer> EtcdArbiter::settle(Line& line, Seen seen) {
  if (doubtful_revision_ != seen.revision) {
    doubtful_revision_.reset();
    return ClaimAnswer{Claim::denied, seen.record, ""};
  }
  return write(line, seen.revision, seen.record).then([this, seen](Written&& written) -> ClaimAnswer {
    doubtful_revision_.reset();
    return {Claim::denied, written.done ? seen.record : written.seen.record, ""};
  });
}

kj::Promise<kj::Own<EtcdArbiter::Line>> EtcdArbiter::connect() {
  auto dialed = network_.parseAddress(address_).then([](kj::Own<kj::NetworkAddress>&& found) {
    auto stream = found->connect();
    return stream.attach(kj::mv(found));
  });
  return dialed.then(
      [this](kj::Own<kj::AsyncIoStream>&& stream) { return kj::heap<Line>(kj::mv(stream), headers_, address_); });
}

kj::Promise<EtcdArbiter::Seen> EtcdArbiter::look(Line& line) {
  capnp::MallocMessageBuilder message;
  auto range = message.initRoot<schema::EtcdRange>();
  range.setKey(data_of(key_));
  return line.post("/v3/kv/range", to_json<schema::EtcdRange>(range)).then([](kj::String&& answer) {
    return from_json<schema::EtcdRangeAnswer>(answer, Line::seen_in);
  });
}

kj::Promise<EtcdArbiter::Written> EtcdArbiter::write(Line& line, std::int64_t revision, const ArbiterRecord& record) {
  const std::string value = value_text(record);
  capnp::MallocMessageBuilder message;
  auto transaction = message.initRoot<schema::EtcdTransaction>();
  auto compare = transaction.initCompare(1)[0];
  compare.setKey(data_of(key_));
  compare.setTarget("MOD");
  compare.setResult("EQUAL");
  compare.setModRevision(revision);
  auto put = transaction.initSuccess(1)[0].initRequestPut();
  put.setKey(data_of(key_));
  put.setValue(data_of(value));
  transaction.initFailure(1)[0].initRequestRange().setKey(data_of(key_));
  return line.post("/v3/kv/txn", to_json<schema::EtcdTransaction>(transaction)).then([](kj::String&& answer) {
    return from_json<schema::EtcdTransactionAnswer>(answer, [](schema::EtcdTransactionAnswer::Reader told) -> Written {
      if (told.getSucceeded()) return {true, {}};
      KJ_REQUIRE(told.getResponses().size() == 1, "etcd answers something else");
      return {false, Line::seen_in(told.getResponses()[0].getResponseRange())};
    });
  });
}

}  // namespace lockstitch::sync
