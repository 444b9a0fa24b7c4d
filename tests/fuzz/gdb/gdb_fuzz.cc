// What comes out of a debugger's connection, or of whoever else connects there: bytes as they are, packets of random
// contents, and real ones that were changed, in pieces that end anywhere. Whatever comes, a conversation ends, takes
// bounded memory, answers in whole packets, and the next question is answered.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/contract/support/choice.h"
#include "tests/fuzz/log/allocation_limit.h"
#include "tests/unit/gdb/fake_target.h"
#include "tests/unit/gdb/scripted_wire.h"

using namespace lockstitch;
using namespace lockstitch::gdb;
using namespace lockstitch::test;

/// What one input sends; the stub itself needs a few packets' length.
const std::size_t test::allocation_limit = 2u << 20;

namespace {

void check(bool holds, const char* what) {
  if (!holds) assertion_failed(__FILE__, __LINE__, what);
}

/// Looks at answers as they come, so that whatever is kept is the stub's.
class Checking final : public Wire {
 public:
  std::optional<std::string> read() override { return script.read(); }
  std::optional<std::string> poll() override { return script.poll(); }
  bool write(std::string_view bytes) override {
    check(bytes.size() < 2 * packet_max_bytes, "an answer's bound");
    for (std::string& answer : packets_in(bytes)) {
      check(answer.find("?!") == answer.npos, "answers are whole packets");
      last = std::move(answer);
    }
    return true;
  }

  ScriptedWire script;
  std::string last;
};

const std::string real_packets[] = {
    "?",
    "!",
    "g",
    "p10",
    "P10=0010000000000000",
    "P12=08000000",
    "m1000,40",
    "M1000,4:01020304",
    "X1000,3:ab}\x03",
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
    "Z1,1010,1",
    "Z2,1100,4",
    "Z3,1100,4",
    "Z4,1100,ffff",
    "Hg0",
    "T1",
    "R00",
    "D",
    "vKill;1",
    "vMustReplyEmpty",
    "qSupported:multiprocess+;swbreak+;hwbreak+;error-message+;xmlRegisters=i386",
    "QStartNoAckMode",
    "qAttached:1",
    "qC",
    "qfThreadInfo",
    "qsThreadInfo",
    "qThreadExtraInfo,1",
    "qTStatus",
    "qXfer:features:read:target.xml:0,1000",
    "qXfer:threads:read::0,1000",
    "qRcmd," + hex("when"),
    "qRcmd," + hex("mode 16"),
    "qRcmd," + hex("mode auto"),
    "qRcmd," + hex("fail"),
    "qSymbol::",
    "qOffsets",
    "qCRC:1000,2000",
    "qSearch:memory:1000;2000;abc",
    "Qqemu.PhyMemMode:1",
    "qqemu.PhyMemMode",
};

std::string some_bytes(ByteChoice& choice, std::uint64_t up_to) {
  std::string bytes(choice.below(up_to), '\0');
  for (char& c : bytes) c = static_cast<char>(choice.take(1));
  return bytes;
}

/// Bytes that mean something to the protocol.
char mark(ByteChoice& choice) {
  static const std::string marks = "$#}+-\x03:;,=0f1xqQvZzgGmMXpPcsCSbDk";
  return marks[choice.below(marks.size())];
}

void change(std::string& packet, ByteChoice& choice) {
  for (std::uint64_t changes = 1 + choice.below(3); changes-- > 0;) {
    const std::size_t at = packet.empty() ? 0 : choice.below(packet.size());
    switch (choice.below(6)) {
      case 0:
        packet.resize(at);
        break;
      case 1:
        packet.insert(at, 1, mark(choice));
        break;
      case 2:
        packet.insert(at, choice.below(40), 'f');
        break;
      case 3:
        packet += packet.substr(at);
        break;
      default:
        if (!packet.empty()) packet[at] = choice.one_in(2) ? mark(choice) : static_cast<char>(choice.take(1));
    }
  }
}

std::string one_thing(ByteChoice& choice) {
  std::string packet = real_packets[choice.below(std::size(real_packets))];
  switch (choice.below(16)) {
    case 0:
      return some_bytes(choice, 40);
    case 1:
      return with_sum(some_bytes(choice, 40));
    case 2:
      return std::string(1, mark(choice));
    case 3:
      return "$" + packet;
    case 4:
      return "$" + packet + "#" + some_bytes(choice, 4);
    case 5:
      return choice.one_in(8) ? with_sum(packet + std::string(choice.below(40'000), mark(choice))) : "\x03";
    case 6:
    case 7:
    case 8:
      return with_sum(packet);
    default:
      change(packet, choice);
      return with_sum(packet);
  }
}

Stop stop_of(ByteChoice& choice) {
  Stop stop;
  stop.reason = static_cast<StopReason>(choice.below(7));
  stop.watch = static_cast<Watch>(choice.below(3));
  stop.address = FakeTarget::memory_at + choice.below(0x2000);
  if (choice.one_in(4)) stop.note = "a note\n";
  return stop;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  FakeTarget target;
  Checking wire;
  ScriptedWire& script = wire.script;
  target.goes_back = choice.one_in(2);
  target.runs_until_interrupted = choice.one_in(4);
  script.gone_while_running = true;
  if (choice.one_in(4)) target.refusal = "not now";
  if (choice.one_in(4)) target.note = "a diversion\n";
  if (choice.one_in(3)) target.state = cpu_at_reset();
  for (std::uint64_t stops = choice.below(20); stops-- > 0;) target.stops.push_back(stop_of(choice));
  for (std::uint64_t looks = choice.below(20); looks-- > 0;) {
    script.while_running.push_back(choice.one_in(3) ? "\x03" : one_thing(choice));
  }

  std::string bytes;
  for (std::uint64_t things = 1 + choice.below(40); things-- > 0;) bytes += one_thing(choice);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t piece = choice.one_in(3) ? 1 + choice.below(8) : 4096;
    script.pieces.push_back(bytes.substr(at, piece));
    at += piece;
  }
  // The bytes before may end inside of a packet, which swallows the first of these; the second is whole.
  script.pieces.push_back(with_sum("?"));
  script.pieces.push_back(with_sum("?"));
  while (!script.pieces.empty()) Stub(target, wire).serve();
  check(wire.last.starts_with("T") || wire.last.starts_with("W"), "the next question is answered");
  check(target.watched.breakpoints.empty() && target.watched.ranges.empty(), "nothing is watched for nobody");
  check(target.memory.size() == 0x2000 && target.physical.size() == 0x2000, "memory stays where it is");
  return 0;
}
