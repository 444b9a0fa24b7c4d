// The console over a pseudo-terminal and over pipes.
#include "vmm/world/terminal.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>

#include <iostream>
#include <thread>

#include "tests/unit/world/temporary_folder.h"
#include "tests/unit/world/turn.h"
#include "vmm/world/live_sink.h"
#include "vmm/world/raw_mode.h"
#include "vmm/world/world.h"

namespace lockstitch::world {

namespace {

using test::turn_until;

constexpr PortId console{4};

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

void write_all(int fd, std::string_view text) {
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

struct Pty {
  Pty() {
    int master_fd = -1, slave_fd = -1;
    REQUIRE(::openpty(&master_fd, &slave_fd, nullptr, nullptr, nullptr) == 0);
    master = Descriptor(master_fd);
    slave = Descriptor(slave_fd);
    ::fcntl(master_fd, F_SETFL, O_NONBLOCK);
  }
  /// What has come out so far, added to `shown`.
  const std::string& screen() {
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(master.get(), buffer, sizeof buffer)) > 0;)
      shown.append(buffer, std::size_t(got));
    return shown;
  }
  Descriptor master, slave;
  std::string shown;
};

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    reader = Descriptor(ends[0]);
    writer = Descriptor(ends[1]);
  }
  Descriptor reader, writer;
};

struct Desk {
  std::unique_ptr<Terminal> open(const TerminalOptions& options) {
    auto terminal = Terminal::open(options, inbox, outbox, stop);
    REQUIRE(terminal.ok());
    return std::move(terminal).value();
  }
  /// Takes what has arrived for the guest, added to `typed`; controls go to `controls`.
  const std::string& arrived() {
    while (auto message = inbox.pop()) {
      if (message->port == control_port) {
        controls.push_back(message->control);
      } else {
        CHECK(message->port == console);
        typed.append(message->payload.begin(), message->payload.end());
      }
    }
    return typed;
  }
  Inbox inbox;
  Outbox outbox;
  StopRequest stop{inbox, outbox};
  std::string typed;
  std::vector<Control> controls;
};

bool same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag && a.c_lflag == b.c_lflag;
}

termios mode_of(const Pty& pty) {
  termios mode{};
  REQUIRE(tcgetattr(pty.slave.get(), &mode) == 0);
  return mode;
}

}  // namespace

TEST_CASE("every key goes to the guest unchanged, also those that stop programs and output") {
  Pty pty;
  Desk desk;
  const auto terminal = desk.open({console, pty.slave.get(), pty.slave.get(), ""});
  const std::string keys("ls\r\x03\x04\x11\x13\x1a\x1c\x7f\x00\xff\n", 13);
  write_all(pty.master.get(), keys);
  CHECK(turn_until(*terminal, [&] { return desk.arrived().size() >= keys.size(); }));
  CHECK(desk.typed == keys);
  CHECK(pty.screen().empty());  // no echo
}

TEST_CASE("the terminal's mode is what it was when the console closes") {
  Pty pty;
  Desk desk;
  const termios before = mode_of(pty);
  {
    const auto terminal = desk.open({console, pty.slave.get(), pty.slave.get(), ""});
    CHECK(!same(before, mode_of(pty)));
    tcsetattr(pty.slave.get(), TCSANOW, &before);  // as a shell does while we are stopped
    terminal->resume();
    CHECK(!same(before, mode_of(pty)));
  }
  CHECK(same(before, mode_of(pty)));
}

TEST_CASE("the terminal's mode is what it was when the process exits or dies of its own bug") {
  for (const bool dies : {false, true}) {
    CAPTURE(dies);
    Pty pty;
    const termios before = mode_of(pty);
    std::cout.flush();  // or the child prints it again
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit no_core{0, 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) ::signal(number, SIG_DFL);
      if (!enter_raw_mode(pty.slave.get()) || same(before, mode_of(pty))) ::_exit(3);
      if (dies) std::abort();
      std::exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (dies) {
      CHECK(WIFSIGNALED(status));
    } else {
      CHECK(WIFEXITED(status));
      CHECK(WEXITSTATUS(status) == 0);
    }
    CHECK(same(before, mode_of(pty)));
  }
}

TEST_CASE("Ctrl-A then x stops, p presses the power button, h helps, Ctrl-A sends itself, others do nothing") {
  Pty pty;
  Desk desk;
  const auto terminal = desk.open({console, pty.slave.get(), pty.slave.get(), ""});
  write_all(pty.master.get(),
            "a\x01"
            "cb\x01\x01"
            "d\x01"
            "p\x01"
            "h");
  CHECK(turn_until(*terminal, [&] { return pty.screen().find("end the machine") != std::string::npos; }));
  CHECK(desk.arrived() ==
        "ab\x01"
        "d");
  REQUIRE(desk.controls.size() == 1);
  CHECK(desk.controls[0].kind == ControlKind::power_button);
  CHECK(!desk.stop.asked());
  write_all(pty.master.get(), "\x01");  // the two keys may come apart
  for (int i = 0; i < 3; ++i) test::turn(*terminal, 1);
  write_all(pty.master.get(), "xe");
  CHECK(turn_until(*terminal, [&] { return desk.arrived().size() == 5; }));
  CHECK(desk.typed.back() == 'e');
  REQUIRE(desk.controls.size() == 2);
  CHECK(desk.controls[1].kind == ControlKind::stop);
  CHECK(desk.controls[1].argument == std::uint64_t(StopReason::escape_key));
}

TEST_CASE("a pipe passes everything through, Ctrl-A too, and its end does not end the guest") {
  Pipe in, out;
  Desk desk;
  const auto terminal = desk.open({console, in.reader.get(), out.writer.get(), ""});
  write_all(in.writer.get(), "a\x01xb\x01");
  in.writer = Descriptor();
  CHECK(turn_until(*terminal, [&] { return desk.arrived().size() == 5; }));
  CHECK(desk.typed == "a\x01xb\x01");
  for (int i = 0; i < 3; ++i) test::turn(*terminal, 1);
  CHECK(!desk.stop.asked());
  CHECK(desk.inbox.empty());
  terminal->send(bytes_of("still here"));
  test::turn(*terminal, 1);
  char buffer[32];
  CHECK(::read(out.reader.get(), buffer, sizeof buffer) == 10);
}

TEST_CASE("input is held, not dropped, while the inbox is full, and the escape key still works") {
  Pty pty;
  Desk desk;
  const auto terminal = desk.open({console, pty.slave.get(), pty.slave.get(), ""});
  while (desk.inbox.try_push({PortId{9}, {}, {0}})) continue;
  write_all(pty.master.get(), "held\x01x");
  CHECK(turn_until(*terminal, [&] { return desk.stop.asked(); }));
  while (desk.inbox.pop()) continue;
  CHECK(turn_until(*terminal, [&] { return desk.arrived().size() == 4; }));
  CHECK(desk.typed == "held");
}

TEST_CASE("output arrives whole and in order through a slow reader, and in the log") {
  const test::TemporaryFolder folder;
  Pipe out;
  Desk desk;
  std::string sent, got;
  for (int i = 0; sent.size() < 1'000'000; ++i) sent += std::to_string(i) + "\n";
  {
    const auto terminal = desk.open({console, -1, out.writer.get(), folder.file("log")});
    World world(desk.outbox);
    world.add(*terminal);
    REQUIRE(world.start().ok());
    std::thread reader([&] {
      char buffer[1000];
      while (got.size() < sent.size()) {
        const ssize_t count = ::read(out.reader.get(), buffer, sizeof buffer);
        if (count <= 0) break;
        got.append(buffer, std::size_t(count));
      }
    });
    LiveSink sink(desk.outbox);
    sink.add_stream(console);
    for (std::size_t i = 0; i < sent.size(); i += 100)
      sink.effect({{i}, console, i, bytes_of(sent).subspan(i, std::min<std::size_t>(100, sent.size() - i))});
    world.stop();
    reader.join();
    CHECK(sink.stream_bytes_lost() == 0);
  }
  CHECK((got == sent));
  const auto log = folder.contents("log");
  CHECK((std::string(log.begin(), log.end()) == sent));
}

TEST_CASE("a reader that goes away costs its bytes, not the process") {
  Pipe out;
  Desk desk;
  const auto terminal = desk.open({console, -1, out.writer.get(), ""});
  World world(desk.outbox);
  world.add(*terminal);
  out.reader = Descriptor();
  REQUIRE(world.start().ok());
  LiveSink sink(desk.outbox);
  sink.add_stream(console);
  for (int i = 0; i < 1000; ++i) sink.effect({{}, console, 0, bytes_of(std::string(1000, 'x'))});
  world.stop();
  CHECK(terminal->lost_bytes() == 1'000'000);
  CHECK(sink.stream_bytes_lost() == 0);
}

TEST_CASE("a screen that takes no more makes the core wait, and the escape key ends the wait") {
  Pty pty;
  Desk desk;
  const auto terminal = desk.open({console, pty.slave.get(), pty.slave.get(), ""});
  World world(desk.outbox);
  world.add(*terminal);
  REQUIRE(world.start().ok());
  LiveSink sink(desk.outbox);
  sink.add_stream(console);
  constexpr std::uint64_t enough = 8 << 20;
  std::atomic<std::uint64_t> offered{0};
  std::thread core([&] {
    const std::string line(1000, 'x');
    while (sink.stream_bytes_lost() == 0 && offered < enough) {
      offered += line.size();
      sink.effect({{}, console, 0, bytes_of(line)});
    }
  });
  while (offered < Outbox::stream_max_bytes) std::this_thread::yield();
  write_all(pty.master.get(), "\x01x");
  core.join();
  CHECK(offered < enough);
  CHECK(desk.stop.asked());
  pty.master = Descriptor();
  world.stop();
}

TEST_CASE("a log file that cannot be made is refused in a sentence") {
  Desk desk;
  const auto terminal = Terminal::open({console, -1, -1, "/nowhere/log"}, desk.inbox, desk.outbox, desk.stop);
  REQUIRE(!terminal.ok());
  CHECK(terminal.error().text == "The console's log file '/nowhere/log' cannot be made (No such file or directory).");
}

}  // namespace lockstitch::world
