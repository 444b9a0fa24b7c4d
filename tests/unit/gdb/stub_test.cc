// The conversation: moves, stops, registers, memory, breakpoints, and leaving. Against a target that only remembers.
#include "vmm/gdb/stub.h"

#include <doctest/doctest.h>

#include "tests/unit/gdb/scripted_wire.h"

using namespace lockstitch;
using namespace lockstitch::gdb;
using namespace lockstitch::test;
using Ended = Stub::Ended;
using Answers = std::vector<std::string>;

namespace {

const std::string gdb_features = "qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386";

/// Output for the person, which came as O packets.
std::string printed(const Answers& answers) {
  std::string text;
  for (const std::string& one : answers) {
    if (one.size() > 2 && one[0] == 'O') text += unhex(one.substr(1));
  }
  return text;
}

Stop stop_with(StopReason reason, std::uint64_t address = 0, Watch watch = Watch::write) {
  return {reason, watch, address, 7, ""};
}

}  // namespace

TEST_CASE("packets are acknowledged until the debugger does without") {
  FakeTarget target;
  ScriptedWire wire;
  wire.pieces = {"+" + with_sum("!"), "+", "$!#00", with_sum("QStartNoAckMode"), "+$!#00", "-"};
  CHECK(Stub(target, wire).serve() == Ended::gone);
  CHECK(packets_in(wire.sent) == Answers{"+", "OK", "-", "+", "OK", "OK"});
}

TEST_CASE("what did not arrive well is sent again") {
  FakeTarget target;
  ScriptedWire wire;
  wire.pieces = {"-", with_sum("?"), "-", "-+"};
  CHECK(Stub(target, wire).serve() == Ended::gone);
  CHECK(packets_in(wire.sent) == Answers{"+", "T05thread:1;", "T05thread:1;", "T05thread:1;"});
}

TEST_CASE("a packet that is too long is an error, and the next one is answered") {
  FakeTarget target;
  CHECK(talk(target, {std::string(packet_max_bytes + 1, 'm'), "!"}).answers == Answers{"E01", "OK"});
}

TEST_CASE("an unknown packet gets the empty answer") {
  FakeTarget target;
  for (const char* packet : {"", "vMustReplyEmpty", "vFile:open:00", "vCtrlC", "vContinue", "vKillThem", "qTStatus",
                             "qOffsets", "QUnknown", "Z5,0,1", "bx", "j", "\xff"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet}).empty());
  }
}

TEST_CASE("the ways to leave") {
  FakeTarget target;
  const auto ended = [&](const std::string& packet) { return talk(target, {packet, "?"}); };
  CHECK(ended("D").ended == Ended::detached);
  CHECK(ended("D;1").answers == Answers{"OK"});
  CHECK(ended("k").ended == Ended::killed);
  CHECK(ended("k").answers.empty());
  CHECK(ended("vKill;1").ended == Ended::killed);
  CHECK(ended("vKill;1").answers == Answers{"OK"});
  CHECK(ended("!").ended == Ended::gone);
  CHECK(target.times_detached == 7);
}

TEST_CASE("a debugger that does not read any more is gone") {
  FakeTarget target;
  ScriptedWire wire;
  wire.takes_bytes = 3;
  CHECK(talk(target, {"?", "s", "s"}, std::move(wire)).ended == Ended::gone);
  CHECK(target.resumes.empty());
}

TEST_CASE("each way to go on is one move") {
  struct Way {
    const char* packet;
    Resume how;
  };
  for (const Way& way : {Way{"c", {Move::resume, 0, 0}},
                         {"s", {Move::step, 0, 0}},
                         {"C05", {Move::resume, 0, 0}},
                         {"S05", {Move::step, 0, 0}},
                         {"vCont;c", {Move::resume, 0, 0}},
                         {"vCont;C05:1;c", {Move::resume, 0, 0}},
                         {"vCont;s:1;c", {Move::step, 0, 0}},
                         {"vCont;S05:1", {Move::step, 0, 0}},
                         {"vCont;r1000,1010:1;c", {Move::step, 0x1000, 0x1010}},
                         {"bs", {Move::step_back, 0, 0}},
                         {"bc", {Move::resume_back, 0, 0}}}) {
    CAPTURE(way.packet);
    FakeTarget target;
    CHECK(answer(target, {way.packet}) == "T05thread:1;");
    REQUIRE(target.resumes.size() == 1);
    CHECK(target.resumes[0].move == way.how.move);
    CHECK(target.resumes[0].from == way.how.from);
    CHECK(target.resumes[0].until == way.how.until);
  }
}

TEST_CASE("what is not quite a way to go on does not move the machine") {
  FakeTarget target;
  for (const char* packet : {"cx", "s1z", "C", "Cx", "C05x", "vCont;", "vCont;x", "vCont;t:1", "vCont;r1000",
                             "vCont;r1000,", "vCont;r,1", "vCont;r1,2x", "c11111111111111111"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet}) == "E01");
  }
  CHECK(target.resumes.empty());
}

TEST_CASE("going on elsewhere moves the program counter, and may be refused") {
  FakeTarget target;
  talk(target, {"c1234"});
  CHECK(target.state.rip == 0x1234);
  talk(target, {"S05;1300"});
  CHECK(target.state.rip == 0x1301);
  const auto moves = target.resumes.size();
  CHECK(answer(target, {"c8000000000000000"}) == "E01");
  target.refusal = "the machine is over";
  CHECK(answer(target, {"c1000"}) == "E.the machine is over");
  CHECK(target.resumes.size() == moves);
  talk(target, {"c1301"});  // where it stands
  CHECK(target.resumes.size() == moves + 1);
}

TEST_CASE("a live machine has no way back") {
  FakeTarget target;
  target.goes_back = false;
  CHECK(talk(target, {"bs", "bc"}).answers == Answers{"", ""});
  CHECK(answer(target, {gdb_features}).find("Reverse") == std::string::npos);
  target.goes_back = true;
  CHECK(answer(target, {gdb_features}).find(";ReverseStep+;ReverseContinue+") != std::string::npos);
}

TEST_CASE("each reason to stop is told in gdb's words, and again when it asks") {
  struct Case {
    Stop stop;
    const char* told;
  };
  for (const Case& one : {Case{stop_with(StopReason::step), "T05thread:1;"},
                          {stop_with(StopReason::breakpoint, 0x1010), "T05thread:1;swbreak:;"},
                          {stop_with(StopReason::breakpoint, 0x1020), "T05thread:1;hwbreak:;"},
                          {stop_with(StopReason::watchpoint, 0x1102), "T05thread:1;watch:1102;"},
                          {stop_with(StopReason::watchpoint, 0x1102, Watch::read), "T05thread:1;rwatch:1102;"},
                          {stop_with(StopReason::watchpoint, 0x1102, Watch::access), "T05thread:1;awatch:1102;"},
                          {stop_with(StopReason::interrupted), "T02thread:1;"},
                          {stop_with(StopReason::history_begin), "T05thread:1;replaylog:begin;"},
                          {stop_with(StopReason::history_end), "T05thread:1;replaylog:end;"},
                          {stop_with(StopReason::ended), "W07"}}) {
    CAPTURE(one.told);
    FakeTarget target;
    target.stops = {one.stop};
    const auto answers = talk(target, {gdb_features, "Z0,1010,1", "Z1,1020,1", "vCont;c", "?"}).answers;
    REQUIRE(answers.size() == 5);
    CHECK(answers[3] == one.told);
    CHECK(answers[4] == one.told);
  }
}

TEST_CASE("kinds of breakpoints are told only to a debugger that knows them") {
  for (const auto& [features, told] : {std::pair{"qSupported:swbreak+", "T05thread:1;"},
                                       {"qSupported:hwbreak+", "T05thread:1;hwbreak:;"},
                                       {"qSupported", "T05thread:1;"}}) {
    FakeTarget target;
    target.stops = {stop_with(StopReason::breakpoint, 0x1020)};
    CHECK(answer(target, {features, "Z1,1020,1", "c"}) == told);
  }
}

TEST_CASE("what is to be said is printed before the stop") {
  FakeTarget target;
  target.stops = {{StopReason::history_end, {}, 0, 0, "the log ends here\n"}};
  const auto answers = talk(target, {"c"}).answers;
  CHECK(answers == Answers{"O" + hex("the log ends here\n"), "T05thread:1;replaylog:end;"});
}

TEST_CASE("what a write says is printed once, at the next opportunity") {
  FakeTarget target;
  target.note = "a diversion\n";
  CHECK(talk(target, {"M1000,1:00", "M1000,1:01", "s", "s"}).answers ==
        Answers{"OK", "OK", "O" + hex("a diversion\n"), "T05thread:1;", "T05thread:1;"});
  target.note = "again\n";
  const auto answers = talk(target, {"P0=0100000000000000", "qRcmd," + hex("when")}).answers;
  CHECK(printed(answers) == "again\nyou said when\n");
}

TEST_CASE("an interrupt ends a move, however it comes; while the machine stands it means nothing") {
  for (const std::deque<std::string>& looks :
       {std::deque<std::string>{"\x03"}, {"", "", "+\x03"}, {"+", "\x03" + with_sum("?")}}) {
    FakeTarget target;
    target.runs_until_interrupted = true;
    ScriptedWire wire;
    wire.while_running = looks;
    wire.gone_while_running = true;
    wire.pieces = {"\x03"};
    const auto result = talk(target, {"c", "!"}, std::move(wire));
    CHECK(result.answers.front() == "T02thread:1;");
    CHECK(result.answers.back() == "OK");
  }
  FakeTarget target;  // with the packet that starts it
  target.runs_until_interrupted = true;
  ScriptedWire wire;
  wire.gone_while_running = true;
  wire.while_running = {"", ""};
  wire.pieces = {with_sum("c") + "\x03"};
  CHECK(talk(target, {"!"}, std::move(wire)).answers == Answers{"T02thread:1;", "OK"});
}

TEST_CASE("a debugger that goes, or floods, while the machine runs is gone") {
  for (const bool floods : {false, true}) {
    FakeTarget target;
    target.runs_until_interrupted = true;
    ScriptedWire wire;
    wire.gone_while_running = !floods;
    if (floods) wire.while_running.assign(40, std::string(4096, '+'));
    const auto result = talk(target, {"c"}, std::move(wire));
    CHECK(result.ended == Ended::gone);
    CHECK(result.answers.empty());
    CHECK(target.times_detached == 1);
  }
}

TEST_CASE("there is one thread") {
  FakeTarget target;
  CHECK(talk(target, {"Hg0", "Hc-1", "Hg1", "T1", "qC", "qfThreadInfo", "qsThreadInfo"}).answers ==
        Answers{"OK", "OK", "OK", "OK", "QC1", "m1", "l"});
  CHECK(talk(target, {"T2", "T", "H", "Hg", "Hg2"}).answers == Answers(5, "E01"));
}

TEST_CASE("registers are read and written, all and one by one") {
  FakeTarget target;
  target.state.gpr[unsigned(Gpr::rbx)] = 0x1122'3344'5566'7788;
  const std::string all = answer(target, {"g"});
  CHECK(all.substr(16, 16) == "8877665544332211");
  CHECK(answer(target, {"p1"}) == "8877665544332211");
  CHECK(answer(target, {"P1=0100000000000000"}) == "OK");
  CHECK(target.state.gpr[unsigned(Gpr::rbx)] == 1);
  CHECK(answer(target, {"G" + all}) == "OK");
  CHECK(target.state.gpr[unsigned(Gpr::rbx)] == 0x1122'3344'5566'7788);
  CHECK(answer(target, {"g"}) == all);
}

TEST_CASE("registers that are not there, or values that do not fit, change nothing") {
  FakeTarget target;
  const std::string all = answer(target, {"g"});
  for (const std::string packet : {"p", "px", "p1x", "pffff", "p11111111111111111", "P", "P1", "P1=", "P1=0", "P1=00",
                                   "P1=zz", "Pffff=00", "G", "G00", "gg"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet})[0] == 'E');
  }
  CHECK(answer(target, {"G" + all + "00"})[0] == 'E');
  CHECK(answer(target, {"G" + all.substr(2)})[0] == 'E');
  // One that is right and one that is not (rip, not canonical): neither is taken.
  std::string bad = all;
  bad.replace(0, 2, "77").replace(16 * 16, 16, "0000000000000080");
  CHECK(answer(target, {"G" + bad}).starts_with("E.rip: "));
  target.refusal = "not now";
  CHECK(answer(target, {"P0=0100000000000000"}) == "E.not now");
  CHECK(answer(target, {"g"}) == all);
}

TEST_CASE("memory is read as far as it is there") {
  FakeTarget target;
  CHECK(answer(target, {"m1001,3"}) == "070e15");
  CHECK(answer(target, {"m2ffe,10"}) == hex(std::string("\xf2\xf9", 2)));
  CHECK(answer(target, {"m0,4"}) == "E01");
  const std::string most = answer(target, {"m1000,ffffffffffffffff"});
  CHECK(most.size() > 8192);
  CHECK(most.size() <= packet_max_bytes);
  for (const char* packet : {"m", "m1000", "m1000,", "m,4", "mx,4", "m1000,x", "m1000,4x", "m1000;4"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet}) == "E01");
  }
}

TEST_CASE("memory is written in digits and in bytes, or not at all") {
  FakeTarget target;
  CHECK(answer(target, {"M1000,4:01020304"}) == "OK");
  CHECK(answer(target, {"m1000,4"}) == "01020304");
  CHECK(answer(target, {"X1000,0:"}) == "OK");
  CHECK(answer(target, {std::string("X1000,3:}\x03:}\x5d")}) == "OK");
  CHECK(answer(target, {"m1000,4"}) == hex(std::string("#:}\x04")));
  for (const std::string packet :
       {"M", "M1000", "M1000,", "M1000,1", "M1000,1:", "M1000,1:0", "M1000,1:0z", "M1000,1:0102", "M1000,2:01",
        "X1000,2:a", "X1000,1:ab", "X1000,1", "X,1:a", "M2fff,2:0102", "M0,1:00", "Mffffffffffffffff,1:00"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet})[0] == 'E');
  }
  CHECK(answer(target, {"m1000,4"}) == hex(std::string("#:}\x04")));
}

TEST_CASE("physical memory is another one, for as long as the debugger wants") {
  FakeTarget target;
  CHECK(talk(target, {"qqemu.PhyMemMode", "Qqemu.PhyMemMode:1", "qqemu.PhyMemMode", "m1001,1", "M1001,1:55",
                      "Qqemu.PhyMemMode:0", "m1001,1", "Qqemu.PhyMemMode:2", "Qqemu.PhyMemMode:"})
            .answers == Answers{"0", "OK", "1", "ee", "OK", "OK", "07", "E01", "E01"});
  CHECK(target.physical[1] == 0x55);
  CHECK(target.memory[1] == 0x07);
}

TEST_CASE("breakpoints and ranges reach the target, each once") {
  FakeTarget target;
  ScriptedWire wire;
  for (const char* packet : {"Z0,1010,1", "Z1,1010,1", "Z0,1010,1", "Z2,1100,4", "Z3,1200,1", "Z4,1300,1000"}) {
    wire.pieces.push_back(with_sum(packet));
  }
  for (const char* packet :
       {"c", "z1,1010,1", "c", "z0,1010,1", "c", "z0,1010,1", "z2,1100,2", "z2,1100,4", "z3,1200,1", "c"}) {
    wire.pieces.push_back(with_sum(packet));
  }
  Stub(target, wire).serve();
  const auto& seen = target.watched_at_moves;
  REQUIRE(seen.size() == 4);
  using Addresses = std::vector<std::uint64_t>;
  CHECK(seen[0].breakpoints == Addresses{0x1010});
  CHECK(seen[0].ranges ==
        std::vector<WatchRange>{{Watch::write, 0x1100, 4}, {Watch::read, 0x1200, 1}, {Watch::access, 0x1300, 0x1000}});
  CHECK(seen[1].breakpoints == Addresses{0x1010});  // the other kind is there still
  CHECK(seen[2].breakpoints.empty());               // set twice, it is removed at once
  CHECK(seen[3].ranges == std::vector<WatchRange>{{Watch::access, 0x1300, 0x1000}});
  CHECK(target.watched.ranges.empty());
}

TEST_CASE("what cannot be a breakpoint or a range is refused") {
  FakeTarget target;
  for (const char* packet : {"Z", "Z0", "Z0,", "Z0,1000", "Z0,1000,", "Z0,x,1", "Z0,1000,x", "Z0,1000,1;X1,0",
                             "Z2,1000,0", "Z2,1000,ffffffffffffffff", "Z4,11111111111111111,1", "z", "z0,1000"}) {
    CAPTURE(packet);
    CHECK(answer(target, {packet}) == "E01");
  }
  std::vector<std::string> many;
  for (int i = 0; i < 5000; ++i) many.push_back("Z0," + hex(std::to_string(i)) + ",1");
  const auto answers = talk(target, many).answers;
  CHECK(answers.front() == "OK");
  CHECK(answers.back().starts_with("E.more than "));
}

TEST_CASE("errors have words where the debugger shows them") {
  FakeTarget target;
  CHECK(answer(target, {"m0,4"}) == "E01");
  CHECK(answer(target, {"qSupported:error-message+", "m0,4"}) == "E.nothing is mapped there");
}
