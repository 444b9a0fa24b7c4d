// What gdb asks and sets beside moving the machine; and damage of every packet there is.
#include <doctest/doctest.h>

#include <set>

#include "tests/unit/gdb/scripted_wire.h"
#include "vmm/gdb/registers.h"

using namespace lockstitch;
using namespace lockstitch::gdb;
using namespace lockstitch::test;
using Answers = std::vector<std::string>;

namespace {

std::string monitor(const std::string& line) { return "qRcmd," + hex(line); }

/// As gdb reads it, in pieces.
std::string document(FakeTarget& target, const std::string& name, unsigned piece) {
  std::string whole;
  for (unsigned tries = 0; tries < 10'000; ++tries) {
    char range[32];
    std::snprintf(range, sizeof range, ":%zx,%x", whole.size(), piece);
    const std::string part = answer(target, {"qXfer:" + name + range});
    whole += part.substr(1);
    if (part[0] == 'l') return whole;
    REQUIRE(part[0] == 'm');
  }
  FAIL("no end");
  return "";
}

/// Bit by bit, as the manual tells it.
std::uint32_t crc_of(const std::string& bytes) {
  std::uint32_t crc = 0xffff'ffff;
  for (const char byte : bytes) {
    for (int bit = 7; bit >= 0; --bit) {
      const bool carry = (crc >> 31) != (static_cast<unsigned>(byte) >> bit & 1);
      crc = crc << 1 ^ (carry ? 0x04c1'1db7 : 0);
    }
  }
  return crc;
}

}  // namespace

TEST_CASE("what is offered is what gdb needs, and the size of packets") {
  FakeTarget target;
  const std::string offered = answer(target, {"qSupported:swbreak+"});
  for (const char* feature : {"PacketSize=4000", "QStartNoAckMode+", "vContSupported+", "swbreak+", "hwbreak+",
                              "qXfer:features:read+", "qXfer:threads:read+"}) {
    CAPTURE(feature);
    CHECK(offered.find(feature) != std::string::npos);
  }
  CHECK(talk(target, {"vCont?", "qAttached", "qAttached:1", "qSymbol::", "qThreadExtraInfo,1"}).answers ==
        Answers{"vCont;c;C;s;S;r", "1", "1", "OK", hex("vCPU 0")});
}

TEST_CASE("documents come in pieces of any size") {
  FakeTarget target;
  const std::string whole = target_description(CodeMode::code64);
  CHECK(document(target, "features:read:target.xml", 0x1000) == whole);
  CHECK(document(target, "features:read:target.xml", 0xffff'ffff) == whole);
  CHECK(document(target, "features:read:target.xml", 61) == whole);
  CHECK(document(target, "threads:read:", 7).find("<thread id=\"1\"") != std::string::npos);
  CHECK(answer(target, {"qXfer:features:read:target.xml:ffffff,10"}) == "l");
  for (const char* packet :
       {"qXfer:features:read:other.xml:0,100", "qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:0",
        "qXfer:features:read:target.xml:0,", "qXfer:features:read:target.xml:0,1x", "qXfer:threads:read::x,1"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet}) == "E01");
  }
  CHECK(answer(target, {"qXfer:auxv:read::0,100"}).empty());
  CHECK(answer(target, {"qXfer:features:write:target.xml:0:a"}).empty());
}

TEST_CASE("gdb is told of 64-bit registers until the person wants others, which hold from the next reading on") {
  FakeTarget target;
  target.state = cpu_at_reset();
  const std::string first = "qXfer:features:read:target.xml:0,1000";
  const auto is = [&](std::vector<std::string> packets) {
    packets.push_back(first);
    const std::string xml = answer(target, packets);
    return xml.substr(xml.find("<architecture>") + 14, xml.find("</arch") - xml.find("<architecture>") - 14);
  };
  CHECK(is({}) == "i386:x86-64");
  CHECK(is({monitor("mode 16")}) == "i8086");
  CHECK(is({monitor("mode 32")}) == "i386");
  CHECK(is({monitor("mode auto")}) == "i8086");
  CHECK(is({monitor("mode 16"), monitor("mode 64")}) == "i386:x86-64");
  CHECK(is({monitor("mode 17"), monitor("mode"), monitor("mode 16 ")}) == "i386:x86-64");
  CHECK(target.lines.empty());
  talk(target, {monitor("model")});
  CHECK(target.lines == Answers{"model"});
  const auto size = [&](const std::vector<std::string>& packets) { return answer(target, packets).size(); };
  CHECK(size({monitor("mode 16"), "g"}) == size({"g"}));
  CHECK(size({monitor("mode 16"), first, "g"}) != size({"g"}));
  CHECK(size({first, monitor("mode 16"), "qXfer:features:read:target.xml:1000,1000", "g"}) == size({"g"}));
}

TEST_CASE("that gdb shows another kind of code than the CPU executes is said once") {
  FakeTarget target;
  target.state = cpu_at_reset();
  const auto answers = talk(target, {"s", "s"}).answers;
  REQUIRE(answers.size() == 3);
  CHECK(unhex(answers[0].substr(1)).find("16-bit code, which gdb shows as 64-bit code; `monitor mode 16`") !=
        std::string::npos);
  CHECK(answers[1] == "T05thread:1;");
  CHECK(answers[2] == "T05thread:1;");
  CHECK(talk(target, {monitor("mode 16"), "qXfer:features:read:target.xml:0,1000", "s"}).answers.back()[0] == 'T');
}

TEST_CASE("a command's answer is printed, long ones in pieces, and errors as well") {
  FakeTarget target;
  CHECK(talk(target, {monitor("when")}).answers == Answers{"O" + hex("you said when\n"), "OK"});
  CHECK(talk(target, {monitor("fail")}).answers == Answers{"O" + hex("there is no such thing\n"), "OK"});
  const auto answers = talk(target, {monitor("long")}).answers;
  std::string text;
  for (std::size_t i = 0; i + 1 < answers.size(); ++i) {
    CHECK(answers[i].size() <= packet_max_bytes);
    text += unhex(answers[i].substr(1));
  }
  CHECK(text == std::string(50'000, 'x') + "\n");
  CHECK(answers.back() == "OK");
  CHECK(talk(target, {"qRcmd,", "qRcmd,0", "qRcmd,zz"}).answers.back() == "E01");
}

TEST_CASE("after a command the last stop is no more the reason to stand here") {
  FakeTarget target;
  target.stops = {{StopReason::history_end, {}, 0, 0, ""}};
  const auto answers = talk(target, {"c", "?", monitor("goto"), "?"}).answers;
  CHECK(answers[1] == "T05thread:1;replaylog:end;");
  CHECK(answers.back() == "T05thread:1;");
}

TEST_CASE("bytes are found where they begin, also across the pieces that are looked at") {
  FakeTarget target;
  const auto find = [&](const std::string& range, const std::string& pattern) {
    return answer(target, {"qSearch:memory:" + range + ";" + pattern});
  };
  CHECK(find("1000;100", "\x0e\x15") == "1,1002");
  CHECK(find("1003;101", "\x0e\x15") == "1,1102");
  CHECK(find("1003;100", "\x0e\x15") == "0");
  CHECK(find("1000;3", "\x0e\x15") == "0");
  CHECK(find("1000;4", "\x0e\x15") == "1,1002");
  target.memory[0xfff] = 1;
  target.memory[0x1000] = 2;
  target.memory[0x1001] = 3;
  CHECK(find("1000;2000", "\x01\x02\x03") == "1,1fff");
  CHECK(find("1000;ffffffffffffffff", "\x01\x02\x03") == "1,1fff");
  CHECK(find("1000;ffffffffffffffff", "\x01\x02\x04") == "0");
  CHECK(find("0;10", "a") == "0");
  for (const char* packet : {"qSearch:memory:", "qSearch:memory:1000", "qSearch:memory:1000;", "qSearch:memory:1000;10",
                             "qSearch:memory:1000;10;", "qSearch:memory:x;10;a", "qSearch:memory:1000;x;a"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet}) == "E01");
  }
}

TEST_CASE("memory's sum is the one that gdb computes of a file") {
  FakeTarget target;
  const std::string bytes(target.memory.begin(), target.memory.end());
  const auto told = [](std::uint32_t crc) {
    char text[16];
    std::snprintf(text, sizeof text, "C%x", crc);
    return std::string(text);
  };
  CHECK(answer(target, {"qCRC:1000,2000"}) == told(crc_of(bytes)));
  CHECK(answer(target, {"qCRC:1003,1234"}) == told(crc_of(bytes.substr(3, 0x1234))));
  CHECK(answer(target, {"qCRC:1000,0"}) == "Cffffffff");
  // The check value of this kind of sum.
  const std::string digits = "123456789";
  std::copy(digits.begin(), digits.end(), target.memory.begin());
  CHECK(answer(target, {"qCRC:1000,9"}) == "C376e6e7");
  for (const char* packet : {"qCRC:", "qCRC:1000", "qCRC:1000,", "qCRC:1000,1x", "qCRC:1000,2001", "qCRC:0,1"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet}) == "E01");
  }
}

TEST_CASE("a search and a sum end with an interrupt") {
  FakeTarget target;
  for (const char* packet : {"qSearch:memory:1000;2000;abc", "qCRC:1000,2000"}) {
    ScriptedWire wire;
    wire.while_running = {"\x03"};
    CHECK(talk(target, {packet}, std::move(wire)).answers == Answers{"E01"});
    ScriptedWire gone;
    gone.gone_while_running = true;
    CHECK(talk(target, {packet}, std::move(gone)).answers.empty());
  }
}

TEST_CASE("each packet there is, cut, changed in any place or longer, does no harm") {
  const std::vector<std::string> packets = {"?",
                                            "!",
                                            "g",
                                            "p1",
                                            "P1=0100000000000000",
                                            "m1000,4",
                                            "M1000,4:01020304",
                                            "X1000,2:ab",
                                            "c",
                                            "s",
                                            "c1000",
                                            "C05",
                                            "S05;1000",
                                            "vCont?",
                                            "vCont;c",
                                            "vCont;s:1;c",
                                            "vCont;r1000,1010:1",
                                            "bc",
                                            "bs",
                                            "Z0,1010,1",
                                            "z0,1010,1",
                                            "Z2,1100,4",
                                            "Z4,1100,4",
                                            "Hg0",
                                            "T1",
                                            "R00",
                                            "qSupported:swbreak+;error-message+",
                                            "QStartNoAckMode",
                                            "qAttached",
                                            "qC",
                                            "qfThreadInfo",
                                            "qThreadExtraInfo,1",
                                            "qXfer:features:read:target.xml:0,100",
                                            "qXfer:threads:read::0,100",
                                            monitor("when"),
                                            monitor("mode 16"),
                                            "qSymbol::",
                                            "qCRC:1000,20",
                                            "qSearch:memory:1000;20;ab",
                                            "Qqemu.PhyMemMode:1",
                                            "qqemu.PhyMemMode",
                                            "D",
                                            "D;1",
                                            "vKill;1"};
  const auto survives = [](const std::string& packet) {
    CAPTURE(packet);
    FakeTarget target;
    const Talk result = talk(target, {packet, "?"});
    CHECK(target.times_detached == 1);
    if (result.ended != Stub::Ended::gone) return;
    REQUIRE_FALSE(result.answers.empty());
    CHECK((result.answers.back()[0] == 'T' || result.answers.back()[0] == 'W'));
    CHECK(std::count(result.answers.begin(), result.answers.end(), "?!") == 0);
    CHECK(target.memory.size() == 0x2000);
  };
  for (const std::string& packet : packets) {
    for (std::size_t at = 0; at <= packet.size(); ++at) {
      survives(packet.substr(0, at));
      for (const char c : {'\0', '\x03', ',', ':', ';', '0', 'f', 'x', '-', '\x7f', '\xff'}) {
        std::string other = packet;
        if (at < packet.size()) other[at] = c;
        survives(other);
        other = packet;
        survives(other.insert(at, 1, c));
      }
      survives(packet.substr(0, at) + std::string(30, 'f') + packet.substr(at));
    }
  }
}
