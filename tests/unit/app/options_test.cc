// Flags, and flags over a guest file.
#include "vmm/app/options.h"

#include <doctest/doctest.h>

#include "tests/unit/world/temporary_folder.h"
#include "vmm/app/setting_table.h"

using namespace lockstitch;
using namespace lockstitch::app;

namespace {

Settings settings_of(std::vector<std::string> arguments) {
  auto read = read_options(Mode::run, arguments);
  REQUIRE_MESSAGE(read.ok(), read.error().text);
  REQUIRE(read.value());
  return *read.value();
}

std::string refusal_of(std::vector<std::string> arguments) {
  const auto read = read_options(Mode::run, arguments);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == ExitCode::usage);
  return read.error().text;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("without flags a machine has 512 MiB, its serial port on stdio, no disk, no network") {
  const Settings settings = settings_of({"--kernel", "k"});
  CHECK(settings.kernel == "k");
  CHECK(settings.memory_bytes == 512ull << 20);
  CHECK(settings.serial_console().kind == ConsoleSetting::Kind::stdio);
  CHECK(settings.console.kind == ConsoleSetting::Kind::none);
  CHECK(settings.network.kind == NetworkSetting::Kind::none);
  CHECK(settings.disks.empty());
  CHECK(settings.clock == ClockMode::realtime);
  CHECK(to_text(settings.engine) == "interp");
  CHECK_FALSE(settings.seed);
  CHECK_FALSE(settings.stop_at_tick);
  CHECK_FALSE(settings.no_reboot);
}

TEST_CASE("flags take their value after a space or an equals sign, also one that looks like a flag or a list") {
  CHECK(settings_of({"--kernel=k", "--memory=1G"}).memory_bytes == 1ull << 30);
  CHECK(settings_of({"--kernel", "k", "--append", "--quiet [a, b]"}).append == "--quiet [a, b]");
  CHECK(settings_of({"--kernel", "k", "--append", "[a,b]"}).append == "[a,b]");
  CHECK(settings_of({"--kernel", "k", "--append="}).append == "");
  CHECK(settings_of({"--kernel", "k", "--seed", "18446744073709551615"}).seed == ~std::uint64_t{0});
  CHECK(settings_of({"--kernel", "k", "--seed", "0x10"}).seed == 16);
  CHECK(to_text(settings_of({"--kernel", "k", "--engine", "auto"}).engine) == "auto");
}

TEST_CASE("disks come in the order of their flags") {
  const Settings settings = settings_of({"--disk", "a", "--kernel", "k", "--disk", "b,mode=ro"});
  REQUIRE(settings.disks.size() == 2);
  CHECK(settings.disks[0].file == "a");
  CHECK(settings.disks[1].file == "b");
}

TEST_CASE("the summary on stdout or a virtio console on stdio take it from the serial port unless that was asked for") {
  CHECK(settings_of({"--kernel", "k", "--json"}).serial_console().kind == ConsoleSetting::Kind::none);
  CHECK(settings_of({"--kernel", "k", "--console", "stdio"}).serial_console().kind == ConsoleSetting::Kind::none);
  CHECK(contains(refusal_of({"--kernel", "k", "--console", "stdio", "--serial", "stdio"}), "both"));
  CHECK(contains(refusal_of({"--kernel", "k", "--json", "--serial", "stdio"}), "both"));
  CHECK(contains(refusal_of({"--kernel", "k", "--json", "--console", "stdio"}), "both"));
}

TEST_CASE("unknown flags are refused with the nearest one") {
  CHECK(contains(refusal_of({"--memroy", "1G"}), "'--memory'"));
  CHECK(contains(refusal_of({"-kernel", "k"}), "'--kernel'"));
  CHECK(contains(refusal_of({"--kernal=k"}), "'--kernel'"));
  CHECK(contains(refusal_of({"--kernel", "k", "-z"}), "--help"));
  CHECK(contains(refusal_of({"a.toml", "b.toml"}), "'b.toml'"));
}

TEST_CASE("a flag that is given twice, or with too much or too little, is refused by name") {
  CHECK(contains(refusal_of({"--kernel", "a", "--kernel", "b"}), "--kernel"));
  CHECK(contains(refusal_of({"--memory"}), "--memory"));
  CHECK(contains(refusal_of({"--kernel", "k", "--quiet=loud"}), "--quiet"));
  CHECK(contains(refusal_of({"--kernel", "k", "--flat", "--initrd", "i"}), "--initrd"));
  CHECK(contains(refusal_of({"--kernel", "k", "--digests", "d"}), "--digest-every"));
  CHECK(contains(refusal_of({"--kernel", "k", "--digest-every", "0"}), "--digest-every"));
  CHECK(contains(refusal_of({"--kernel", "k", "--stop-at-tick", "18446744073709551616"}), "2^64"));
}

TEST_CASE("help is asked for by flag, whatever else there is, and names every flag") {
  for (const auto& arguments : {std::vector<std::string>{"--help"}, {"-h"}, {"--kernel", "k", "--help"}}) {
    const auto read = read_options(Mode::run, arguments);
    REQUIRE(read.ok());
    CHECK_FALSE(read.value());
  }
  for (const Mode mode : {Mode::run, Mode::record}) {
    const std::string help = options_help(mode);
    for (const SettingRow& row : setting_table()) {
      CHECK(contains(help, "--" + std::string(row.name)) == row.belongs_to(mode));
    }
    CHECK(contains(help, "Examples:"));
  }
}

TEST_CASE("a recording needs a folder, takes its own flags, and never writes to an image") {
  const auto recorded = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--kernel", "k"});
    return read_options(Mode::record, arguments);
  };
  CHECK(contains(recorded({}).error().text, "-o DIR"));
  CHECK(contains(recorded({"-o", "t", "--disk", "d,mode=rw"}).error().text, "overlay"));
  CHECK(contains(recorded({"-o", "t", "--checkpoint-every", "7"}).error().text, "60s"));
  const auto settings = recorded({"-o", "t", "--checkpoint-every", "5m", "--log-sync", "0s"});
  REQUIRE(settings.ok());
  CHECK(settings.value()->trace == "t");
  CHECK(settings.value()->checkpoint_every_ns == 300'000'000'000);
  CHECK(settings.value()->log_sync_ms == 0);
  CHECK(recorded({"-o", "t", "--checkpoint-every", "none"}).value()->checkpoint_every_ns == 0);
  CHECK(contains(refusal_of({"--kernel", "k", "-o", "t"}), "-o"));
}

TEST_CASE("a run from a checkpoint takes the trace's machine and no other") {
  CHECK(settings_of({"--from", "t/checkpoints/1.checkpoint"}).from == "t/checkpoints/1.checkpoint");
  CHECK(contains(refusal_of({"--from", "c", "--kernel", "k"}), "trace's"));
  CHECK(contains(refusal_of({"--from", "c", "--disk", "d"}), "trace's"));
}

TEST_CASE("flags go over the guest file, and a --disk replaces all its disks") {
  const test::TemporaryFolder folder;
  const std::string toml =
      "[machine]\nkernel = \"vmlinuz\"\nmemory = \"1G\"\nappend = \"quiet\"\nno-reboot = true\n[[disk]]\nfile = "
      "\"a\"\n[[disk]]\nfile = \"b\"\n";
  const std::string path = folder.file("guest.toml", {toml.begin(), toml.end()});
  const Settings plain = settings_of({path});
  CHECK(plain.kernel == folder.file("vmlinuz"));
  CHECK(plain.disks.size() == 2);
  const Settings changed = settings_of({"--memory", "2G", path, "--disk", "c"});
  CHECK(changed.memory_bytes == 2ull << 30);
  CHECK(changed.append == "quiet");
  CHECK(changed.no_reboot);
  REQUIRE(changed.disks.size() == 1);
  CHECK(changed.disks[0].file == "c");
}
