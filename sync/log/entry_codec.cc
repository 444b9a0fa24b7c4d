// See entry_codec.h.
#include "sync/log/entry_codec.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/exception.h>
#include <kj/io.h>

#include <string>

#include "lockstitch/assert.h"
#include "lockstitch/limits.h"
#include "sync/log/log.capnp.h"

namespace lockstitch::sync {
namespace {

/// Unit: 8-byte words. Of one message once it is unpacked: what a damaged one can make us allocate.
constexpr std::uint64_t message_max_words = 8u << 20;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

kj::ArrayPtr<const kj::byte> view(Bytes bytes) { return {bytes.data(), bytes.size()}; }

void put(schema::Digest::Builder to, const Digest& from) {
  to.setHigh(from.high);
  to.setLow(from.low);
}

Digest get(schema::Digest::Reader from) { return {from.getHigh(), from.getLow()}; }

std::vector<std::uint8_t> exclusive_or(Bytes a, Bytes b) {
  std::vector<std::uint8_t> result(a.begin(), a.end());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] ^= b[i];
  return result;
}

void put_state(schema::Entry::Digest::Builder to, const std::vector<std::uint8_t>& state,
               std::vector<std::uint8_t>& last) {
  LS_ASSERT_CMP(state.size(), <=, state_max_bytes);
  const bool delta = !state.empty() && state.size() == last.size();
  to.setStateIsDelta(delta);
  to.setState(view(delta ? exclusive_or(state, last) : state));
  last = state;
}

void put(schema::Entry::Builder to, const Entry& from, std::vector<std::uint8_t>& last_state) {
  to.setTick(from.tick.value);
  std::visit(Overloaded{
                 [&](const ArrivalEntry& e) {
                   to.setPosition(e.position.hash);
                   auto arrival = to.initArrival();
                   arrival.setPort(e.port.value);
                   arrival.setPayload(view(e.payload));
                 },
                 [&](const ControlEntry& e) {
                   to.setPosition(e.position.hash);
                   auto control = to.initControl();
                   control.setKind(static_cast<std::uint8_t>(e.control.kind));
                   control.setArgument(e.control.argument);
                 },
                 [&](const HorizonEntry&) { to.setHorizon(); },
                 [&](const DigestEntry& e) {
                   auto digest = to.initDigest();
                   put(digest.initDigest(), e.digest);
                   put_state(digest, e.state, last_state);
                   auto sums = digest.initMemorySums(static_cast<unsigned>(e.memory_sums.size()));
                   for (unsigned i = 0; i < sums.size(); ++i) sums.set(i, e.memory_sums[i]);
                 },
                 [&](const MarkEntry& e) { to.setMark(e.text.substr(0, mark_max_bytes)); },
                 [&](const EndEntry& e) {
                   auto end = to.initEnd();
                   end.setReason(e.reason);
                   end.setArgument(e.argument);
                   put(end.initDigest(), e.digest);
                 },
             },
             from.body);
}

Error bad(const char* what) { return {ExitCode::bad_input, what}; }

}  // namespace

std::vector<std::uint8_t> EntryEncoder::encode(std::span<const Entry> entries) {
  LS_ASSERT_CMP(entries.size(), <=, batch_max_entries);
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<schema::Batch>().initEntries(static_cast<unsigned>(entries.size()));
  for (unsigned i = 0; i < list.size(); ++i) put(list[i], entries[i], last_state_);
  kj::VectorOutputStream bytes;
  capnp::writePackedMessage(bytes, message);
  const auto array = bytes.getArray();
  return {array.begin(), array.end()};
}

namespace {

class BatchReader {
 public:
  explicit BatchReader(std::vector<std::uint8_t>& last_state) : last_state_(last_state) {}

  Outcome read(schema::Batch::Reader batch, std::vector<Entry>& out) {
    const auto entries = batch.getEntries();
    if (entries.size() > batch_max_entries) return bad("a batch has too many entries");
    for (const auto entry : entries) {
      Entry read{Tick{entry.getTick()}, HorizonEntry{}};
      if (const Outcome body = read_body(entry, read.body); !body) return body;
      out.push_back(std::move(read));
    }
    return success();
  }

 private:
  Outcome read_body(schema::Entry::Reader from, EntryBody& to) {
    switch (from.which()) {
      case schema::Entry::ARRIVAL: {
        const auto payload = from.getArrival().getPayload();
        const PortId port{from.getArrival().getPort()};
        if (port == control_port) return bad("an arrival has no port");
        if (payload.size() > limits::message_max_bytes) return bad("an arrival is longer than its limit");
        to = ArrivalEntry{port, {from.getPosition()}, {payload.begin(), payload.end()}};
        return success();
      }
      case schema::Entry::CONTROL: {
        const Control control{static_cast<ControlKind>(from.getControl().getKind()), from.getControl().getArgument()};
        to = ControlEntry{control, {from.getPosition()}};
        return success();
      }
      case schema::Entry::HORIZON:
        to = HorizonEntry{};
        return success();
      case schema::Entry::DIGEST:
        return read_digest(from.getDigest(), to);
      case schema::Entry::MARK: {
        const auto text = from.getMark();
        if (text.size() > mark_max_bytes) return bad("a mark is longer than its limit");
        to = MarkEntry{std::string(text.begin(), text.end())};
        return success();
      }
      case schema::Entry::END:
        to = EndEntry{from.getEnd().getReason(), from.getEnd().getArgument(), get(from.getEnd().getDigest())};
        return success();
    }
    return bad("an entry has a kind that this version does not know");
  }

  Outcome read_digest(schema::Entry::Digest::Reader from, EntryBody& to) {
    DigestEntry entry{get(from.getDigest()), {}, {}};
    const auto state = from.getState();
    if (state.size() > state_max_bytes) return bad("a state is longer than its limit");
    const Bytes bytes{state.begin(), state.size()};
    if (from.getStateIsDelta()) {
      if (bytes.size() != last_state_.size()) return bad("a state is the difference to another that is not there");
      entry.state = exclusive_or(bytes, last_state_);
    } else {
      entry.state.assign(bytes.begin(), bytes.end());
    }
    last_state_ = entry.state;
    const auto sums = from.getMemorySums();
    if (sums.size() > memory_sums_max) return bad("there are too many sums of memory");
    for (const std::uint64_t sum : sums) entry.memory_sums.push_back(sum);
    to = std::move(entry);
    return success();
  }

  std::vector<std::uint8_t>& last_state_;
};

}  // namespace

Outcome EntryDecoder::decode(Bytes batch, std::vector<Entry>& out) {
  try {
    kj::ArrayInputStream stream(view(batch));
    capnp::ReaderOptions options;
    options.traversalLimitInWords = message_max_words;
    capnp::PackedMessageReader message(stream, options);
    return BatchReader(last_state_).read(message.getRoot<schema::Batch>(), out);
  } catch (const kj::Exception& exception) {
    return Error{ExitCode::bad_input, std::string("no Cap'n Proto batch: ") + exception.getDescription().cStr()};
  }
}

}  // namespace lockstitch::sync
