// Messages as Cap'n Proto structs and back.
#include <capnp/message.h>
#include <doctest/doctest.h>

#include <functional>

#include "sync/peer/message_codec.h"
#include "tests/unit/pair/bytes.h"

namespace lockstitch::sync {
namespace {

using test::Random;
using test::random_bytes;
using test::random_number;
using test::random_text;

Message random_message(Random& random, std::size_t kind) {
  const Term term = random_number(random);
  switch (kind) {
    case 0:
      return Hello{term, random_text(random)};
    case 1:
      return Ready{term};
    case 2:
      return JoinData{term, random_bytes(random, 3000)};
    case 3:
      return Joined{term};
    case 4:
      return InSync{term};
    case 5:
      return Log{term, {random_number(random)}, {random_number(random)}, random_bytes(random, 3000)};
    case 6:
      return Ack{term, {random_number(random)}, {random_number(random)}};
    case 7:
      return Dismiss{term, random_text(random)};
    case 8:
      return Surrender{term, random_text(random)};
    case 9:
      return HandOver{term};
    case 10:
      return HandOverRefused{term, random_text(random)};
    default:
      return Fenced{term};
  }
}

bool same(const Hello& a, const Hello& b) { return a.name == b.name; }
bool same(const Ready&, const Ready&) { return true; }
bool same(const JoinData& a, const JoinData& b) { return a.part == b.part; }
bool same(const Joined&, const Joined&) { return true; }
bool same(const InSync&, const InSync&) { return true; }
bool same(const Log& a, const Log& b) {
  return a.known_until == b.known_until && a.sent_until == b.sent_until && a.batch == b.batch;
}
bool same(const Ack& a, const Ack& b) { return a.known_until == b.known_until && a.executed == b.executed; }
bool same(const Dismiss& a, const Dismiss& b) { return a.why == b.why; }
bool same(const Surrender& a, const Surrender& b) { return a.why == b.why; }
bool same(const HandOver&, const HandOver&) { return true; }
bool same(const HandOverRefused& a, const HandOverRefused& b) { return a.why == b.why; }
bool same(const Fenced&, const Fenced&) { return true; }

bool equal(const Message& a, const Message& b) {
  if (a.index() != b.index() || term_of(a) != term_of(b)) return false;
  return std::visit([&](const auto& m) { return same(m, std::get<std::decay_t<decltype(m)>>(b)); }, a);
}

TEST_CASE("every message that is written is read as it was") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  for (unsigned round = 0; round < 200; ++round) {
    for (std::size_t kind = 0; kind < std::variant_size_v<Message>; ++kind) {
      CAPTURE(kind);
      const Message message = random_message(random, kind);
      REQUIRE(message.index() == kind);
      capnp::MallocMessageBuilder builder;
      auto root = builder.initRoot<schema::Message>();
      write(root, message);
      const auto back = read(root.asReader());
      REQUIRE(back.ok());
      REQUIRE(equal(message, back.value()));
    }
  }
}

TEST_CASE("a message of a later version is refused in a sentence") {
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<schema::Message>();
  write(root, Fenced{7});
  // The number of the union's member lies in the struct's data, behind the term.
  const auto words = builder.getSegmentsForOutput()[0];
  bool found = false;
  for (std::size_t at = 16; at < words.asBytes().size() && !found; ++at) {
    auto* byte = const_cast<kj::byte*>(words.asBytes().begin()) + at;
    if (*byte != static_cast<kj::byte>(schema::Message::FENCED)) continue;
    *byte = 99;
    found = true;
  }
  REQUIRE(found);
  const auto back = read(root.asReader());
  REQUIRE(!back.ok());
  test::check_sentence(back.error());
}

}  // namespace
}  // namespace lockstitch::sync
