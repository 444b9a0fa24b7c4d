// Everything that a person can get wrong: one sentence on stderr, nothing on stdout, the right exit code.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tests/e2e/cli/flat_guest.h"
#include "tests/e2e/cli/program.h"

using namespace lockstitch::test;

namespace {

constexpr int usage = 64, bad_input = 65, missing_input = 66, unavailable = 69, world = 74;

/// Runs into the mistake. Result: the sentence.
std::string refusal(int exit_code, std::vector<std::string> arguments) {
  std::string shown;
  for (const std::string& argument : arguments) shown += " " + argument;
  CAPTURE(shown);
  const Outcome outcome = run(std::move(arguments));
  CHECK_MESSAGE(outcome.exit_code == exit_code, outcome.err);
  CHECK(outcome.out == "");
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK_MESSAGE(outcome.err.starts_with("lockstitch: "), outcome.err);
  CHECK_MESSAGE((outcome.err.ends_with(".\n") || outcome.err.ends_with("?\n")), outcome.err);
  return outcome.err;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

/// A folder with a guest that ends at once, and whatever else a test puts there.
struct Desk {
  TemporaryFolder folder;
  const std::string kernel = folder.file("kernel.bin", FlatGuest().exit(0).bytes());

  std::string file(const std::string& name, const std::string& contents) const {
    return folder.file(name, {contents.begin(), contents.end()});
  }
  std::vector<std::string> run(std::vector<std::string> more) const {
    std::vector<std::string> arguments{"run", "--flat", "--kernel", kernel, "--memory", "4M", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

}  // namespace

TEST_CASE("a command that is missing or unknown") {
  CHECK(contains(refusal(usage, {}), "lockstitch help"));
  CHECK(contains(refusal(usage, {"rum"}), "'run'"));
  CHECK(contains(refusal(usage, {"frobnicate"}), "lockstitch help"));
  CHECK(contains(refusal(usage, {"--verison"}), "'--version'"));
  CHECK(contains(refusal(usage, {"help", "rum"}), "lockstitch help"));
}

TEST_CASE("a flag that is unknown, incomplete or given twice") {
  CHECK(contains(refusal(usage, {"run", "--kernl", "k"}), "'--kernel'"));
  CHECK(contains(refusal(usage, {"run", "-kernel", "k"}), "'--kernel'"));
  CHECK(contains(refusal(usage, {"run", "--frobnicate"}), "--help"));
  CHECK(contains(refusal(usage, {"run", "--kernel"}), "--kernel"));
  CHECK(contains(refusal(usage, {"run", "--kernel", "a", "--kernel", "b"}), "--kernel"));
  CHECK(contains(refusal(usage, {"run", "--quiet=5", "--kernel", "a"}), "--quiet"));
}

TEST_CASE("a kernel that is not given, missing, a folder, or no kernel") {
  const Desk desk;
  CHECK(contains(refusal(usage, {"run"}), "--kernel"));
  CHECK(contains(refusal(missing_input, {"run", "--kernel", desk.folder.file("none")}), "does not exist"));
  CHECK(contains(refusal(missing_input, {"run", "--kernel", desk.kernel + "/none"}), "does not exist"));
  CHECK(contains(refusal(bad_input, {"run", "--kernel", desk.folder.path()}), "directory"));
  CHECK(contains(refusal(bad_input, {"run", "--kernel", desk.file("text", "This is a letter, not a kernel.\n")}),
                 "text"));
  refusal(bad_input, {"run", "--kernel", desk.file("empty", "")});
  refusal(bad_input, {"run", "--flat", "--kernel", desk.file("empty", "")});
  refusal(bad_input, {"run", "--flat", "--kernel", desk.file("large", std::string(700'000, 'x'))});
  refusal(bad_input, {"run", "--kernel", desk.file("noise", std::string(100'000, '\xa5'))});
}

TEST_CASE("a kernel that is cut off") {
  const Desk desk;
  std::string elf;
  {
    const TemporaryFolder copies;
    std::filesystem::copy_file(built_guest("long_mode.elf"), copies.file("copy"));
    const auto bytes = copies.contents("copy");
    elf.assign(bytes.begin(), bytes.end());
  }
  refusal(bad_input, {"run", "--memory", "16M", "--kernel", desk.file("elf-20", elf.substr(0, 20))});
  refusal(bad_input, {"run", "--memory", "16M", "--kernel", desk.file("elf-half", elf.substr(0, elf.size() / 2))});

  std::string bzimage(0x400, '\0');
  bzimage[0x1f1] = 4;  // setup sectors, which the file does not have
  bzimage[0x1fe] = '\x55';
  bzimage[0x1ff] = '\xaa';
  bzimage.replace(0x202, 4, "HdrS");
  bzimage[0x206] = 0x0f;  // protocol 2.15
  bzimage[0x207] = 0x02;
  refusal(bad_input, {"run", "--memory", "16M", "--kernel", desk.file("bzimage", bzimage)});
  refusal(bad_input, {"run", "--memory", "16M", "--kernel", desk.file("bzimage", bzimage.substr(0, 0x210))});

  const std::string debian = std::string(LOCKSTITCH_SOURCE_DIR) + "/build/guest/vmlinuz";
  if (!std::filesystem::exists(debian)) {
    std::puts("skipped: Debian's kernel cut off, which scripts/build-guest has to fetch first");
    return;
  }
  for (const std::uintmax_t bytes : {600, 20'000, 8'000'000}) {
    const std::string cut = desk.folder.file("vmlinuz");
    std::filesystem::copy_file(debian, cut, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut, bytes);
    refusal(bad_input, {"run", "--memory", "256M", "--kernel", cut});
  }
}

TEST_CASE("an initrd that is missing or does not fit") {
  const Desk desk;
  const std::string kernel = built_guest("multiboot_information.elf");
  CHECK(contains(refusal(missing_input, {"run", "--kernel", kernel, "--initrd", desk.folder.file("none")}), "initrd"));
  const std::string large = desk.file("large", std::string(8 << 20, 'x'));
  CHECK(contains(refusal(usage, {"run", "--kernel", kernel, "--memory", "4M", "--initrd", large}), "--memory"));
  refusal(usage, {"run", "--kernel", kernel, "--memory", "16M", "--append", std::string(100'000, 'x')});
}

TEST_CASE("a memory size that is absurd") {
  const Desk desk;
  for (const char* size : {"0", "1K", "-1", "99999G", "99999999999999999999999G", "much", "512", "1.5G", ""}) {
    CHECK(contains(refusal(usage, {"run", "--kernel", desk.kernel, "--memory", size}), "--memory"));
  }
  // No host of today has it; if yours does, this test is glad to be told.
  CHECK(contains(refusal(unavailable, {"run", "--flat", "--kernel", desk.kernel, "--memory", "512G"}), "host"));
}

TEST_CASE("a disk that is missing, unreadable, empty, not whole, or in use") {
  const Desk desk;
  const std::string good = desk.file("good.img", std::string(4096, 'x'));
  CHECK(contains(refusal(missing_input, desk.run({"--disk", desk.folder.file("none.img")})), "does not exist"));
  CHECK(contains(refusal(bad_input, desk.run({"--disk", desk.folder.path()})), "neither a file nor a block device"));
  refusal(bad_input, desk.run({"--disk", "/dev/null"}));
  refusal(bad_input, desk.run({"--disk", desk.file("empty.img", "")}));
  CHECK(contains(refusal(bad_input, desk.run({"--disk", desk.file("odd.img", std::string(1000, 'x'))})), "512"));
  CHECK(contains(refusal(usage, desk.run({"--disk", good + ",mode=write"})), "overlay, ro, rw"));
  CHECK(contains(refusal(usage, desk.run({"--disk", good + ",mod=rw"})), "'mode'"));
  if (::geteuid() != 0) {
    std::filesystem::permissions(good, std::filesystem::perms::none);
    CHECK(contains(refusal(missing_input, desk.run({"--disk", good})), "permission"));
    std::filesystem::permissions(good, std::filesystem::perms::owner_all);
  } else {
    std::puts("skipped: a disk without permission, which the superuser may read all the same");
  }

  const std::string spinning = desk.folder.file("spin.bin", FlatGuest().print('R').spin().bytes());
  Program first({"run", "--flat", "--kernel", spinning, "--memory", "4M", "--disk", good + ",mode=rw"});
  first.wait_for_output("R");
  CHECK(contains(refusal(unavailable, desk.run({"--disk", good + ",mode=rw"})), "in use"));
  CHECK(contains(refusal(unavailable, desk.run({"--disk", good})), "in use"));
}

TEST_CASE("more disks than the machine has room for") {
  const Desk desk;
  const std::string image = desk.file("disk.img", std::string(512, 'x'));
  std::vector<std::string> flags;
  for (int i = 0; i < 40; ++i) flags.insert(flags.end(), {"--disk", image});
  CHECK(contains(refusal(usage, desk.run(flags)), "40 disks"));
}

TEST_CASE("a network that is not there, taken or misspelt") {
  const Desk desk;
  CHECK(contains(refusal(missing_input, desk.run({"--net", "tap=lsnotthere"})), "'lsnotthere'"));
  CHECK(contains(refusal(usage, desk.run({"--net", "tap=a-name-that-is-too-long"})), "interface"));
  CHECK(contains(refusal(usage, desk.run({"--net", "usr"})), "'user'"));
  CHECK(contains(refusal(usage, desk.run({"--net", "user,forward=tcp:80:80"})), "tcp:127.0.0.1:5433-:5432"));
  refusal(usage, desk.run({"--net", "user,forward=tcp:localhost:8080-:80"}));
  refusal(usage, desk.run({"--net", "user,mac=01:00:00:00:00:00"}));
  refusal(unavailable, desk.run({"--net", "user,forward=tcp:192.0.2.1:8080-:80"}));

  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  CHECK(contains(refusal(unavailable, desk.run({"--net", "user,forward=tcp:127.0.0.1:" + port + "-:80"})), port));
  ::close(listener);
}

TEST_CASE("two users of the standard output") {
  const Desk desk;
  CHECK(contains(refusal(usage, desk.run({"--serial", "stdio", "--console", "stdio"})), "both"));
  CHECK(contains(refusal(usage, desk.run({"--serial", "stdio", "--json"})), "both"));
}

TEST_CASE("a clock, engine, seed, date or number that is none") {
  const Desk desk;
  CHECK(contains(refusal(usage, desk.run({"--clock", "virtuel"})), "virtual"));
  CHECK(contains(refusal(usage, desk.run({"--engine", "jit"})), "not part of this version yet"));
  CHECK(contains(refusal(usage, desk.run({"--engine", "interp,kvm"})), "TICK:ENGINE"));
  CHECK(contains(refusal(usage, desk.run({"--engine", "interp,5:kvm,5:interp"})), "not behind"));
  CHECK(contains(refusal(usage, desk.run({"--ticks", "seconds"})), "instructions, exits or host"));
  CHECK(contains(refusal(usage, desk.run({"--ticks", "host"})), "--engine kvm"));
  CHECK(contains(refusal(usage, desk.run({"--ticks", "exits", "--gdb", ":0"})), "needs an engine that can watch"));
  CHECK(contains(refusal(usage, desk.run({"--engine", "qemu"})), "interp"));
  for (const char* number : {"-1", "abc", "1.5", "", "18446744073709551616", "0x"}) {
    CHECK(contains(refusal(usage, desk.run({"--seed", number})), "--seed"));
    CHECK(contains(refusal(usage, desk.run({"--stop-at-tick", number})), "--stop-at-tick"));
  }
  CHECK(contains(refusal(usage, desk.run({"--digest-every", "0"})), "--digest-every"));
  CHECK(contains(refusal(usage, desk.run({"--digests", "d"})), "--digest-every"));
  CHECK(contains(refusal(usage, desk.run({"--rtc", "2020-02-30T00:00:00Z"})), "--rtc"));
}

TEST_CASE("an output file that cannot be written is noticed before the guest runs, or told at the end") {
  const Desk desk;
  const std::string nowhere = desk.folder.file("none/file");
  CHECK(contains(refusal(unavailable, desk.run({"--summary", nowhere})), nowhere));
  CHECK(contains(refusal(unavailable, desk.run({"--summary", desk.folder.path()})), "summary"));
  CHECK(contains(refusal(unavailable, desk.run({"--digest-every", "10", "--digests", nowhere})), nowhere));
  CHECK(contains(refusal(unavailable, desk.run({"--serial", "file:" + nowhere})), nowhere));
  CHECK(contains(refusal(unavailable, desk.run({"--serial", "stdio,log=" + nowhere})), nowhere));
  CHECK(contains(refusal(world, desk.run({"--summary", "/dev/full"})), "/dev/full"));
  CHECK(contains(refusal(world, desk.run({"--digest-every", "1", "--digests", "/dev/full"})), "/dev/full"));
}

TEST_CASE("a guest file that is missing, broken or has unknown or mistyped keys") {
  const Desk desk;
  CHECK(contains(refusal(missing_input, {"run", desk.folder.file("none.toml")}), "does not exist"));
  CHECK(contains(refusal(bad_input, {"run", desk.folder.path()}), "directory"));
  CHECK(contains(refusal(usage, {"run", desk.file("syntax.toml", "[machine]\nkernel = \n")}), "syntax.toml:2: "));
  CHECK(contains(refusal(usage, {"run", desk.file("key.toml", "[machine]\n\nkernal = \"k\"\n")}),
                 "key.toml:3: there is no key 'kernal' in [machine]; did you mean 'kernel'?"));
  CHECK(contains(refusal(usage, {"run", desk.file("type.toml", "[machine]\nmemory = 512\n")}),
                 "type.toml:2: 'memory' must be text in quotes, not a whole number"));
  CHECK(contains(refusal(usage, {"run", desk.file("value.toml", "[[disk]]\nfile = \"a\"\nmode = \"x\"\n")}),
                 "value.toml:3: "));
  CHECK(contains(refusal(missing_input, {"run", desk.file("path.toml", "[machine]\nkernel = \"none\"\n")}),
                 desk.folder.file("none")));
  CHECK(contains(refusal(usage, {"run", desk.file("a.toml", ""), desk.file("b.toml", "")}), "b.toml"));
  refusal(usage, {"run", desk.kernel});
}
