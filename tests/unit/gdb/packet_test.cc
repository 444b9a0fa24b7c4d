// Bytes that make packets, and those that do not.
#include "vmm/gdb/packet.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/contract/support/random.h"
#include "tests/unit/gdb/scripted_wire.h"

using namespace lockstitch;
using namespace lockstitch::gdb;
using namespace lockstitch::test;
using What = PacketReader::What;

namespace {

struct Event {
  What what;
  std::string contents;
  bool operator==(const Event&) const = default;
};

std::vector<Event> drain(PacketReader& reader) {
  std::vector<Event> events;
  for (What what = reader.next(); what != What::nothing; what = reader.next()) {
    events.push_back({what, what == What::packet ? reader.contents() : ""});
  }
  return events;
}

std::vector<Event> events_of(const std::string& bytes) {
  PacketReader reader;
  CHECK(reader.add(bytes));
  return drain(reader);
}

}  // namespace

TEST_CASE("packets, acknowledgements and interrupts come one by one, in whatever pieces") {
  const std::string stream = "+" + with_sum("g") + "-\x03" + with_sum("") + "noise" + with_sum("m1000,4");
  const std::vector<Event> expected = {{What::ack, ""},       {What::packet, "g"}, {What::nak, ""},
                                       {What::interrupt, ""}, {What::packet, ""},  {What::packet, "m1000,4"}};
  CHECK(events_of(stream) == expected);
  PacketReader reader;
  std::vector<Event> one_by_one;
  for (const char c : stream) {
    CHECK(reader.add({&c, 1}));
    for (const Event& event : drain(reader)) one_by_one.push_back(event);
  }
  CHECK(one_by_one == expected);
}

TEST_CASE("escapes are resolved") {
  const std::string raw = std::string("X0,4:") + "}\x03" + "}\x04" + "}\x5d" + "}\x0a";
  CHECK(events_of(with_sum(raw)) == std::vector<Event>{{What::packet, "X0,4:#$}*"}});
}

TEST_CASE("a wrong sum, or one without digits, is damage; the next packet is read") {
  for (const char* bad : {"$g#68", "$g#zz", "$g#6z", "$g#\x03$"}) {
    const auto events = events_of(bad + with_sum("?"));
    CHECK(events == std::vector<Event>{{What::damaged, ""}, {What::packet, "?"}});
  }
}

TEST_CASE("without acknowledgements sums do not count") {
  PacketReader reader;
  reader.ignore_sums();
  CHECK(reader.add("$g#00$?#zz"));
  CHECK(drain(reader) == std::vector<Event>{{What::packet, "g"}, {What::packet, "?"}});
}

TEST_CASE("a packet whose end was lost ends where the next one begins") {
  CHECK(events_of("$m10" + with_sum("g")) == std::vector<Event>{{What::packet, "g"}});
}

TEST_CASE("a packet of the greatest length is read, a longer one is not kept") {
  const std::string greatest(packet_max_bytes, 'm');
  CHECK(events_of(with_sum(greatest)) == std::vector<Event>{{What::packet, greatest}});
  CHECK(events_of(with_sum(greatest + "m") + with_sum("g")) ==
        std::vector<Event>{{What::too_long, ""}, {What::packet, "g"}});
  PacketReader reader;
  CHECK(reader.add("$"));
  for (int i = 0; i < 10'000; ++i) {
    CHECK(reader.add(std::string(4096, '+')));
    CHECK(reader.next() == What::nothing);
  }
  CHECK(reader.contents().size() <= packet_max_bytes);
  CHECK(reader.add("#00" + with_sum("?")));
  CHECK(drain(reader) == std::vector<Event>{{What::too_long, ""}, {What::packet, "?"}});
}

TEST_CASE("what is not looked at is bounded") {
  PacketReader reader;
  CHECK(reader.add(std::string(waiting_max_bytes, '+')));
  CHECK_FALSE(reader.add("+"));
  CHECK(drain(reader).size() == waiting_max_bytes);
  CHECK(reader.add("+"));
}

TEST_CASE("an interrupt is found between packets that wait, and not inside of one") {
  PacketReader reader;
  CHECK_FALSE(reader.take_interrupt());
  CHECK(reader.add("++" + with_sum("X0,1:\x03") + "\x03" + with_sum("g")));
  CHECK(reader.take_interrupt());
  CHECK_FALSE(reader.take_interrupt());
  CHECK(drain(reader) ==
        std::vector<Event>{
            {What::ack, ""}, {What::ack, ""}, {What::packet, std::string("X0,1:\x03")}, {What::packet, "g"}});
}

TEST_CASE("whatever is framed is read as it was") {
  const std::uint64_t seed = run_seed();
  CAPTURE(seed);
  Random random(seed);
  for (int i = 0; i < 500; ++i) {
    std::string contents(random.below(60), '\0');
    for (char& c : contents) c = static_cast<char>(random.one_in(3) ? "$#}*+-\x03"[random.below(7)] : random.next());
    CHECK(events_of(framed(contents)) == std::vector<Event>{{What::packet, contents}});
    CHECK(packets_in(framed(contents)) == std::vector<std::string>{contents});
    CHECK(from_hex(to_hex(contents)) == contents);
  }
}

TEST_CASE("numbers and digits that are none are refused") {
  CHECK(from_hex("0aFf") == std::string("\x0a\xff"));
  CHECK_FALSE(from_hex("0").has_value());
  CHECK_FALSE(from_hex("0g").has_value());
  std::string_view text = "ffffffffffffffff,x";
  CHECK(take_hex(text) == ~std::uint64_t{0});
  CHECK(text == ",x");
  for (std::string_view bad : {"", "x", "-1", "1ffffffffffffffff"}) CHECK_FALSE(take_hex(bad).has_value());
}
