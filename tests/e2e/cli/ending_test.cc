// How runs end: the guest's own exit codes, power-off, reset, crash, a given tick, signals; and what is told about it.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tests/e2e/cli/flat_guest.h"
#include "tests/e2e/cli/program.h"

using namespace lockstitch::test;

namespace {

struct Desk {
  TemporaryFolder folder;
  std::vector<std::string> run(const FlatGuest& guest, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run",      "--flat", "--kernel", folder.file("kernel.bin", guest.bytes()),
                                       "--memory", "4M"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

std::vector<std::string> run_built(const std::string& guest, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"run", "--kernel", built_guest(guest), "--memory", "32M", "--clock", "virtual"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool one_line(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') == 1 && text.ends_with("\n");
}

}  // namespace

TEST_CASE("version and help are printed on request") {
  CHECK(run({"--version"}).out.starts_with("lockstitch "));
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"help"}, {"--help"}, {"-h"}}) {
    const Outcome help = run(arguments);
    CHECK(help.exit_code == 0);
    CHECK(help.out.find("lockstitch run") != std::string::npos);
    CHECK(help.err == "");
  }
  const Outcome help = run({"run", "--help"});
  CHECK(help.exit_code == 0);
  for (const char* part : {"--kernel", "--clock", "Examples:", "exit code"})
    CHECK(help.out.find(part) != std::string::npos);
  CHECK(run({"help", "run"}).out == help.out);
}

TEST_CASE("the byte that the guest writes to the debug-exit port is the exit code, whatever it is") {
  const Desk desk;
  for (const int code : {0, 1, 42, 64, 80, 82, 127, 128, 255}) {
    const Account account = run_with_summary(desk.run(FlatGuest().exit(static_cast<std::uint8_t>(code))));
    CHECK(account.exit_code == code);
    CHECK(account.summary["exit_code"] == code);
    CHECK(account.summary["end_reason"] == "debug_exit");
  }
}

TEST_CASE("guests of every kind of image run, and what they print comes out") {
  for (const std::string guest : {"long_mode.elf", "pvh_entry.elf", "multiboot_information.elf"}) {
    CAPTURE(guest);
    const Outcome outcome = run(run_built(guest, {"--append", "a test guest"}));
    CHECK_MESSAGE(outcome.exit_code == 0, outcome.out);
    CHECK(outcome.out.find("ok") != std::string::npos);
  }
  const Outcome flat = run({"run", "--flat", "--kernel", built_guest("hello_real.bin"), "--memory", "16M", "--quiet"});
  CHECK(flat.exit_code == 0);
  CHECK(flat.out.find("hello") != std::string::npos);
  CHECK(flat.err == "");
}

TEST_CASE("power-off is 0, a reset with --no-reboot is 0, a triple fault is 80 and one sentence with its tick") {
  const Account off = run_with_summary(run_built("acpi_power_off.elf"));
  CHECK(off.exit_code == 0);
  CHECK(off.summary["end_reason"] == "power_off");
  CHECK(one_line(off.err));

  const Account reset = run_with_summary(run_built("reset_cf9.elf", {"--no-reboot"}));
  CHECK(reset.exit_code == 0);
  CHECK(reset.summary["end_reason"] == "reset");

  const Account crash = run_with_summary(run_built("triple_fault.elf", {"--quiet"}));
  CHECK(crash.exit_code == 80);
  CHECK(crash.summary["end_reason"] == "triple_fault");
  CHECK(one_line(crash.err));
  CHECK(crash.err.find("at tick " + std::to_string(crash.summary["ticks"].get<std::uint64_t>())) != std::string::npos);
}

TEST_CASE("a reset boots the kernel again, as often as the guest asks for it") {
  const Account account = run_with_summary(run_built("reset_cf9.elf", {"--stop-at-tick", "1000000"}));
  CHECK(account.exit_code == 0);
  CHECK(account.summary["counters"]["resets"] >= 2);
  const std::size_t first = account.out.find("before the reset");
  REQUIRE(first != std::string::npos);
  CHECK(account.out.find("before the reset", first + 1) != std::string::npos);
}

TEST_CASE("a run stops exactly at the tick that it is told") {
  const Desk desk;
  for (const std::uint64_t tick : {0, 1, 7, 50'000, 50'001, 1'234'567}) {
    const Account account =
        run_with_summary(desk.run(FlatGuest().spin(), {"--clock", "virtual", "--stop-at-tick", std::to_string(tick)}));
    CHECK(account.exit_code == 0);
    CHECK(account.summary["end_reason"] == "stop_tick");
    CHECK(account.summary["ticks"] == tick);
    CHECK(account.summary["virtual_ns"] == tick);
  }
  // Also where the guest only waits.
  CHECK(run_with_summary(desk.run(FlatGuest().halt(), {"--clock", "virtual", "--stop-at-tick", "5000000000"}))
            .summary["ticks"] == 5'000'000'000);
}

TEST_CASE("a summary has all its fields, and --json prints the same on stdout") {
  const Desk desk;
  const Account account =
      run_with_summary(desk.run(FlatGuest().print('x').exit(3), {"--seed", "9", "--rtc", "2021-02-03T04:05:06Z"}));
  const auto& summary = account.summary;
  CHECK(summary["end_reason"] == "debug_exit");
  CHECK(summary["seed"] == 9);
  CHECK(summary["rtc_start"] == "2021-02-03T04:05:06Z");
  CHECK(summary["engine"] == "interp");
  CHECK(summary["clock"] == "realtime");
  CHECK(summary["ticks"].is_number_unsigned());
  CHECK(summary["virtual_ns"].is_number_unsigned());
  CHECK(summary["host_cpu_seconds"].is_number());
  CHECK(summary["wall_seconds"].is_number());
  CHECK(summary["final_digest"].get<std::string>().size() == 32);
  CHECK(summary["memory"]["guest_bytes"] == 4 << 20);
  CHECK(summary["memory"]["peak_rss_bytes"] > 0);
  CHECK(summary["memory"].contains("monitor_bytes"));
  CHECK(summary["counters"]["effects"] == 1);
  CHECK(summary["counters"]["exits"]["port_write"] == 2);

  const Outcome printed = run(desk.run(FlatGuest().print('x').exit(3), {"--json", "--quiet"}));
  CHECK(printed.exit_code == 3);
  CHECK(printed.err == "");
  const auto json = nlohmann::json::parse(printed.out, nullptr, false);
  REQUIRE(json.is_object());
  CHECK(json["ticks"] == summary["ticks"]);
  std::vector<std::string> here, there;
  for (const auto& [key, value] : json.items()) here.push_back(key);
  for (const auto& [key, value] : summary.items()) there.push_back(key);
  CHECK(here == there);
}

TEST_CASE("a signal ends a busy or halted guest in good order, under either clock") {
  const Desk desk;
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    for (const std::string clock : {"realtime", "virtual"}) {
      for (const FlatGuest& guest : {FlatGuest().print('R').spin(), FlatGuest().print('R').halt()}) {
        CAPTURE(number);
        CAPTURE(clock);
        const std::string file = desk.folder.file("summary.json");
        Program program(desk.run(guest, {"--clock", clock, "--summary", file}));
        program.wait_for_output("R");
        program.signal(number);
        CHECK(program.wait() == 82);
        CHECK_MESSAGE(one_line(program.err()), program.err());
        const auto summary = nlohmann::json::parse(desk.folder.contents("summary.json"), nullptr, false);
        REQUIRE(summary.is_object());
        CHECK(summary["end_reason"] == "signal");
        CHECK(summary["exit_code"] == 82);
        CHECK(summary["final_digest"].get<std::string>().size() == 32);
      }
    }
  }
}

TEST_CASE("a forwarded port takes connections while the guest runs") {
  const Desk desk;
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(probe, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  ::close(probe);
  const std::string port = std::to_string(ntohs(address.sin_port));

  Program program(desk.run(FlatGuest().print('R').halt(), {"--net", "user,forward=tcp:127.0.0.1:" + port + "-:80"}));
  program.wait_for_output("R");
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(::connect(client, reinterpret_cast<sockaddr*>(&address), length) == 0);
  ::close(client);
  program.signal(SIGTERM);
  CHECK(program.wait() == 82);
}

TEST_CASE("a guest file runs like flags, and its paths start at its folder") {
  const Desk desk;
  desk.folder.file("kernel.bin", FlatGuest().print('x').exit(5).bytes());
  desk.folder.file("disk.img", std::vector<std::uint8_t>(1024));
  const std::string toml =
      "[machine]\nkernel = \"kernel.bin\"\nflat = true\nmemory = \"4M\"\nclock = \"virtual\"\nserial = "
      "\"file:serial.log\"\n"
      "[[disk]]\nfile = \"disk.img\"\n[net]\nuser = true\n[run]\nsummary = \"summary.json\"\nquiet = true\n";
  const std::string guest = desk.folder.file("guest.toml", {toml.begin(), toml.end()});
  const Outcome outcome = run({"run", guest});
  CHECK_MESSAGE(outcome.exit_code == 5, outcome.err);
  CHECK(outcome.out == "");
  CHECK(outcome.err == "");
  CHECK(desk.folder.contents("serial.log") == std::vector<std::uint8_t>{'x'});
  const auto summary = nlohmann::json::parse(desk.folder.contents("summary.json"), nullptr, false);
  REQUIRE(summary.is_object());
  CHECK(summary["seed"] == 0);
  CHECK(summary["rtc_start"] == "2020-01-01T00:00:00Z");
}

TEST_CASE("closed standard streams harm nothing") {
  const Desk desk;
  const std::string kernel = desk.folder.file("kernel.bin", FlatGuest().print('x').exit(6).bytes());
  const std::string image(1024, 'x');
  const std::string disk = desk.folder.file("disk.img", {image.begin(), image.end()});
  const std::string command = std::string(LOCKSTITCH_BINARY_DIR) + "/lockstitch run --flat --kernel " + kernel +
                              " --memory 4M --disk " + disk + ",mode=rw <&- >&- 2>&-";
  const int status = std::system(command.c_str());
  CHECK(WEXITSTATUS(status) == 6);
  const auto after = desk.folder.contents("disk.img");
  CHECK(std::string(after.begin(), after.end()) == image);
}
