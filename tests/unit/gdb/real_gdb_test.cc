// The stub as gdb itself sees it, where gdb is installed: a script of commands, and what it prints.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/unit/gdb/fake_target.h"
#include "tests/unit/world/temporary_folder.h"
#include "vmm/gdb/listener.h"
#include "vmm/gdb/stub.h"

using namespace lockstitch;
using namespace lockstitch::gdb;
using namespace lockstitch::test;

namespace {

bool there_is_gdb() {
  static const bool there = std::system("gdb --version >/dev/null 2>&1") == 0;
  if (!there) MESSAGE("skipped: gdb is not there");
  return there;
}

struct Session {
  std::string printed;
  std::vector<Stub::Ended> ended;  ///< one for each connection
};

/// gdb connects, then carries out the commands. `program`: what it has loaded, or nothing.
Session debug(FakeTarget& target, const std::vector<std::string>& commands, const std::string& program = "") {
  const TemporaryFolder folder;
  std::atomic<bool> over = false;
  const auto listener = Listener::open("unix:" + folder.file("socket"), false, [&] { return over.load(); });
  REQUIRE(listener.ok());
  Session session;
  std::thread server([&] {
    while (const auto wire = listener.value()->accept()) session.ended.push_back(Stub(target, *wire).serve());
  });
  std::string line = "timeout 120 gdb -nx -batch -ex 'set remotetimeout 60' " + program + " -ex 'target remote " +
                     listener.value()->place() + "'";
  for (const std::string& command : commands) line += " -ex '" + command + "'";
  std::FILE* const pipe = ::popen((line + " 2>&1 </dev/null").c_str(), "r");
  char piece[4096];
  while (const std::size_t got = std::fread(piece, 1, sizeof piece, pipe)) session.printed.append(piece, got);
  const int status = ::pclose(pipe);
  over = true;
  server.join();
  INFO(session.printed);
  CHECK(WIFEXITED(status));
  return session;
}

bool has(const Session& session, const std::string& text) { return session.printed.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("gdb shows registers and memory, changes them, and detaches") {
  if (!there_is_gdb()) return;
  FakeTarget target;
  target.state.gpr[unsigned(Gpr::rbx)] = 0x1122'3344'5566'7788;
  target.state.rflags = 0x3246;
  target.state.cr4 = 0x20;
  target.state.xmm[3][0] = 42;
  target.state.st[0] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0x40};
  target.state.segment[unsigned(SegmentName::gs)].base = 0xffff'8880'0000'0000;
  const Session session =
      debug(target, {"info registers rbx eflags gs_base cr0 cr4 efer", "p $pc", "p $xmm3.v16_int8[0]", "p $st0",
                     "x/2xw 0x1100", "set $rax = 5", "set {char}0x1001 = 9", "set $cs = 8", "x/xb 0x5000",
                     "info threads", "find /b 0x1000, +0x200, 0x0e, 0x15", "detach"});
  CHECK(has(session, "0x1122334455667788"));
  CHECK(has(session, "[ PF ZF IF IOPL=3 ]"));
  CHECK(has(session, "0xffff888000000000"));
  CHECK(has(session, "[ PE PG ]"));
  CHECK(has(session, "[ PAE ]"));
  CHECK(has(session, "[ LME LMA ]"));
  CHECK(has(session, "$1 = (void (*)()) 0x1000"));
  CHECK(has(session, "$2 = 42"));
  CHECK(has(session, "$3 = 3"));
  CHECK(has(session, "0x1100:\t0x150e0700\t0x312a231c"));
  CHECK(target.state.gpr[0] == 5);
  CHECK(target.memory[1] == 9);
  CHECK(has(session, "a selector cannot be loaded"));
  CHECK(has(session, "Cannot access memory at address 0x5000"));
  CHECK(has(session, "\"vCPU 0\""));
  CHECK(has(session, "0x1002\n0x1102\n2 patterns found"));
  CHECK(session.ended == std::vector{Stub::Ended::detached});
}

TEST_CASE("gdb steps, goes on and goes back, and says why it stopped") {
  if (!there_is_gdb()) return;
  FakeTarget target;
  const auto stop = [&](StopReason reason, std::uint64_t address = 0, Watch watch = Watch::write) {
    target.stops.push_back({reason, watch, address, 0, ""});
  };
  stop(StopReason::step);
  stop(StopReason::breakpoint, 0x1010);
  stop(StopReason::watchpoint, 0x1200, Watch::read);
  stop(StopReason::step);
  stop(StopReason::history_begin);
  stop(StopReason::history_end);
  target.stops.back().note = "the log ends here\n";
  const Session session = debug(target, {"stepi", "break *0x1010", "hbreak *0x1020", "watch *(int*)0x1100",
                                         "rwatch *(char*)0x1200", "awatch *(char[64]*)0x1300", "continue", "continue",
                                         "delete 1", "reverse-stepi", "reverse-continue", "continue", "kill"});
  CHECK(has(session, "0x0000000000001001 in ?? ()"));
  CHECK(has(session, "Breakpoint 1, 0x0000000000001010"));
  CHECK(has(session, "Hardware read watchpoint 4: *(char*)0x1200"));
  CHECK(has(session, "No more reverse-execution history."));
  CHECK(has(session, "the log ends here"));
  std::vector<Move> moves;
  for (const Resume& how : target.resumes) moves.push_back(how.move);
  // It steps off the breakpoint on which it stands.
  CHECK(std::count(moves.begin(), moves.end(), Move::resume) >= 2);
  CHECK(std::count(moves.begin(), moves.end(), Move::step_back) == 1);
  CHECK(std::count(moves.begin(), moves.end(), Move::resume_back) == 1);
  CHECK(session.ended == std::vector{Stub::Ended::killed});
}

TEST_CASE("gdb's breakpoints and watchpoints are what the target watches") {
  if (!there_is_gdb()) return;
  FakeTarget target;
  target.stops = {{}, {}};
  const Session session = debug(target, {"break *0x1010", "watch *(int*)0x1100", "continue", "delete", "continue"});
  REQUIRE(target.watched_at_moves.size() >= 2);
  CHECK(target.watched_at_moves.front().breakpoints == std::vector<std::uint64_t>{0x1010});
  CHECK(target.watched_at_moves.front().ranges == std::vector<WatchRange>{{Watch::write, 0x1100, 4}});
  CHECK(target.watched_at_moves.back().breakpoints.empty());
  CHECK(target.watched_at_moves.back().ranges.empty());
}

TEST_CASE("gdb prints what commands answer, and looks at physical memory") {
  if (!there_is_gdb()) return;
  FakeTarget target;
  const Session session =
      debug(target, {"monitor when", "monitor fail", "maintenance packet Qqemu.PhyMemMode:1", "x/xb 0x1000", "detach"});
  CHECK(target.lines == std::vector<std::string>{"when", "fail"});
  CHECK(has(session, "you said when\n"));
  CHECK(has(session, "there is no such thing\n"));
  CHECK(has(session, "0x1000:\t0xee"));
}

TEST_CASE("gdb comes again and finds the machine where it was") {
  if (!there_is_gdb()) return;
  FakeTarget target;
  const Session session = debug(target, {"stepi", "disconnect"});
  CHECK(session.ended == std::vector{Stub::Ended::gone});
  const Session other = debug(target, {"p $pc"});
  CHECK(has(other, "$1 = (void (*)()) 0x1001"));
}

TEST_CASE("gdb follows a CPU into other kinds of code when it is asked to, also with a 64-bit program's symbols") {
  if (!there_is_gdb()) return;
  FakeTarget target;
  target.state = cpu_at_reset();
  target.state.segment[unsigned(SegmentName::cs)] = {0x100, FakeTarget::memory_at, 0xffff, 0x9b};
  target.state.rip = 0x10;
  // A 64-bit program that is surely there.
  const Session session =
      debug(target,
            {"p $pc", "stepi", "exec-file", "monitor mode 16", "unset tdesc filename", "show architecture", "p $eip",
             "stepi", "p $eip", "monitor mode 64", "unset tdesc filename", "show architecture", "p $rip", "detach"},
            "/proc/self/exe");
  CHECK(has(session, "$1 = (void (*)()) 0x1010"));
  CHECK(has(session, "The CPU executes 16-bit code, which gdb shows as 64-bit code"));
  CHECK(has(session, "(currently \"i8086\")"));
  CHECK(has(session, "$2 = (void (*)()) 0x1011"));
  CHECK(has(session, "$3 = (void (*)()) 0x1012"));
  CHECK(has(session, "(currently \"i386:x86-64\")"));
  CHECK(has(session, "$4 = (void (*)()) 0x1012"));
  CHECK(session.ended == std::vector{Stub::Ended::detached});
}
