// Guest files, good and broken.
#include "vmm/app/guest_file.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "tests/unit/world/temporary_folder.h"
#include "vmm/app/setting_table.h"

using namespace lockstitch;
using namespace lockstitch::app;

namespace {

class Guest {
 public:
  explicit Guest(const std::string& toml) : path_(folder_.file("guest.toml", {toml.begin(), toml.end()})) {}
  Settings settings() const {
    auto read = read_guest_file(path_);
    REQUIRE_MESSAGE(read.ok(), read.error().text);
    return std::move(read).value();
  }
  /// After "guest.toml:".
  std::string refusal() const {
    const auto read = read_guest_file(path_);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ExitCode::usage);
    const std::string start = path_ + ":";
    REQUIRE_MESSAGE(read.error().text.starts_with(start), read.error().text);
    return read.error().text.substr(start.size());
  }
  std::string beside(const std::string& name) const { return folder_.file(name); }

 private:
  test::TemporaryFolder folder_;
  std::string path_;
};

}  // namespace

TEST_CASE("a guest file sets everything that flags set") {
  const Guest guest(R"(
    [machine]
    kernel = "vmlinuz"
    initrd = "/boot/initrd"
    append = "console=ttyS0"
    memory = "256M"
    clock = "virtual"
    engine = "auto"
    seed = 7
    rtc = "2021-05-06T07:08:09Z"
    no-reboot = true
    flat = false
    serial = "file:serial.log"
    console = "stdio"

    [[disk]]
    file = "root.img"
    mode = "rw"

    [[disk]]
    file = "data,1.img"
    readonly = true

    [net]
    user = true
    mac = "02:00:00:00:00:09"
    forward = ["tcp:127.0.0.1:5433-:5432", "udp::53-:53"]

    [run]
    stop-at-tick = 1000
    digest-every = 100
    digests = "digests.txt"
    summary = "summary.json"
    quiet = true
    json = false
  )");
  const Settings s = guest.settings();
  CHECK(s.kernel == guest.beside("vmlinuz"));
  CHECK(s.initrd == "/boot/initrd");
  CHECK(s.append == "console=ttyS0");
  CHECK(s.memory_bytes == 256ull << 20);
  CHECK(s.clock == ClockMode::unpaced);
  CHECK(s.seed == 7);
  CHECK(s.rtc_start_seconds == 1'620'284'889);
  CHECK(s.no_reboot);
  CHECK(s.serial_console().file == guest.beside("serial.log"));
  CHECK(s.console.kind == ConsoleSetting::Kind::stdio);
  REQUIRE(s.disks.size() == 2);
  CHECK(s.disks[0].file == guest.beside("root.img"));
  CHECK(s.disks[0].mode == world::BlockMode::read_write);
  CHECK(s.disks[1].file == guest.beside("data,1.img"));
  CHECK(s.disks[1].mode == world::BlockMode::read_only);
  CHECK(s.network.kind == NetworkSetting::Kind::user);
  CHECK(s.network.mac[5] == 9);
  CHECK(s.network.forwards.size() == 2);
  CHECK(s.stop_at_tick == 1000);
  CHECK(s.digest_every == 100);
  CHECK(s.digests == guest.beside("digests.txt"));
  CHECK(s.summary == guest.beside("summary.json"));
  CHECK(s.quiet);
  CHECK_FALSE(s.json);
}

TEST_CASE("an empty guest file says nothing, and a seed beyond TOML's integers can be written as text") {
  CHECK(Guest("").settings().kernel.empty());
  CHECK(Guest("[machine]\nseed = \"18446744073709551615\"\n").settings().seed == ~std::uint64_t{0});
  CHECK(Guest("[net]\ntap = \"tap0\"\n").settings().network.tap == "tap0");
  CHECK(Guest("[net]\nuser = true\nforward = \"tcp::1-:2\"\n").settings().network.forwards.size() == 1);
}

TEST_CASE("a broken guest file is refused with the line that is wrong and what to write instead") {
  struct Case {
    const char* toml;
    const char* refusal;
  };
  for (const Case& c : {
           Case{"[machine]\nmemroy = \"1G\"\n", "2: there is no key 'memroy' in [machine]; did you mean 'memory'?"},
           Case{"\n[machin]\n", "2: there is no table or key 'machin'; did you mean 'machine'?"},
           Case{"kernel = \"k\"\n", "1: 'kernel' belongs into the table [machine]"},
           Case{"[run]\n\nkernel = \"k\"\n", "3: 'kernel' belongs into the table [machine], not [run]"},
           Case{"[machine]\ndisk = \"a\"\n", "2: disks are written as [[disk]], one table for each"},
           Case{"[disk]\nfile = \"a\"\n", "1: disks are written as [[disk]], one table for each"},
           Case{"machine = 5\n", "1: 'machine' must be a table, [machine], not a whole number"},
           Case{"[machine]\nmemory = 512\n", "2: 'memory' must be text in quotes, not a whole number"},
           Case{"[machine]\nseed = 1.5\n", "2: 'seed' must be a whole number, not a number with a fraction"},
           Case{"[machine]\nseed = -1\n", "2: 'seed': '-1' is no whole number from 0 on"},
           Case{"[machine]\nflat = \"yes\"\n", "2: 'flat' must be true or false, not text"},
           Case{"[machine]\nkernel = [\"a\"]\n", "2: 'kernel' must be text in quotes, not an array"},
           Case{"[machine]\nrtc = 2020-01-01T00:00:00Z\n", "2: 'rtc' must be text in quotes, not a date or time"},
           Case{"[machine]\nmemory = \"1K\"\n",
                "2: 'memory': a guest cannot have 1K of memory; give it from 1 MiB to 512 GiB"},
           Case{"[[disk]]\nmode = \"rw\"\n", "1: the disk has no file"},
           Case{"[[disk]]\nfile = \"a\"\nmod = \"rw\"\n", "3: a disk has no 'mod'; did you mean 'mode'?"},
           Case{"[[disk]]\nfile = \"a\"\nsize = 5\n", "3: a disk has no 'size'; it has file, format, mode, readonly"},
           Case{"[[disk]]\nfile = 5\n", "2: 'file' must be text in quotes, not a whole number"},
           Case{"[[disk]]\nfile = \"a\"\nmode = \"w\"\n", "3: there is no disk mode 'w'; it is one of overlay, ro, rw"},
           Case{"[net]\nuser = true\ntap = \"t\"\n", ": a network is either 'user' or 'tap', not both"},
           Case{"[net]\nuser = true\nforward = [\n\"tcp::1-:2\",\n\"x\"]\n",
                "5: 'x' is no port forward; write for example tcp:127.0.0.1:5433-:5432"},
           Case{"[net]\ntap = \"t\"\nforward = \"tcp::1-:2\"\n", "1: port forwards are for the network 'user' only"},
       }) {
    CAPTURE(c.toml);
    const std::string refusal = Guest(c.toml).refusal();
    CHECK_MESSAGE(refusal.find(c.refusal) != refusal.npos, refusal);
  }
}

TEST_CASE("what is no TOML is refused with its line") {
  CHECK(Guest("[machine]\nkernel = \n").refusal().starts_with("2:"));
  CHECK(Guest("[machine\n").refusal().starts_with("1:"));
  CHECK(Guest("[machine]\nmemory = \"1G\"\nmemory = \"2G\"\n").refusal().starts_with("3:"));
  CHECK_FALSE(Guest(std::string("\x7f\x45LF\x01\x00\xff\xfe", 8)).refusal().empty());
}

TEST_CASE("a guest file that is not there or a folder is refused as such") {
  const test::TemporaryFolder folder;
  CHECK(read_guest_file(folder.file("none.toml")).error().code == ExitCode::missing_input);
  CHECK(read_guest_file(folder.path()).error().code == ExitCode::bad_input);
}

TEST_CASE("every example of docs/GUEST_FILE.md is a good guest file, and every setting is described there") {
  std::ifstream file(std::string(LOCKSTITCH_SOURCE_DIR) + "/docs/GUEST_FILE.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  constexpr std::string_view opening = "```toml\n";
  int examples = 0;
  for (std::size_t at = 0; (at = text.find(opening, at)) != text.npos; ++examples) {
    at += opening.size();
    const std::string toml = text.substr(at, text.find("```", at) - at);
    CAPTURE(toml);
    const Settings settings = Guest(toml).settings();
    const Outcome checked = check(settings, Mode::run);
    CHECK_MESSAGE(checked.ok(), (checked.ok() ? "" : checked.error().text));
  }
  CHECK(examples == 5);
  for (const SettingRow& row : setting_table()) {
    if (row.table.empty() && row.kind != SettingKind::disks && row.kind != SettingKind::network) continue;  // a flag only
    const std::string name(row.name);
    const bool described = text.find("`" + name + "`") != text.npos || text.find("[" + name + "]") != text.npos;
    CHECK_MESSAGE(described, name);
  }
}
