// The settings by which a guest can be looked at: as flags and in guest files.
#include <doctest/doctest.h>

#include "tests/unit/world/temporary_folder.h"
#include "vmm/app/guest_file.h"
#include "vmm/app/options.h"

namespace lockstitch::app {

namespace {

Settings guest_file(const std::string& text) {
  const test::TemporaryFolder folder;
  const auto read = read_guest_file(folder.file("guest.toml", {text.begin(), text.end()}));
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().text));
  return read.value();
}

bool accepted(Mode mode, const std::vector<std::string>& arguments) { return read_options(mode, arguments).ok(); }

}  // namespace

TEST_CASE("a guest file may say where viewers connect and where the control socket is") {
  const Settings settings = guest_file("[run]\nvnc = \":1\"\nvnc-password = \"/p\"\ncontrol = \"/run/control\"\n");
  CHECK(settings.vnc == ":1");
  CHECK(settings.vnc_password == "/p");
  CHECK(settings.control == "/run/control");
  CHECK(guest_file("[pair]\ncontrol = \"/pair/control\"\n").control == "/pair/control");
}

TEST_CASE("every command that runs a guest can show it, only run and a pair name a control socket") {
  CHECK(accepted(Mode::run, {"--kernel", "k", "--vnc", ":1", "--control", "c"}));
  CHECK(accepted(Mode::record, {"--kernel", "k", "-o", "t", "--vnc", "127.0.0.1:5900"}));
  CHECK_FALSE(accepted(Mode::record, {"--kernel", "k", "-o", "t", "--control", "c"}));
  const std::vector<std::string> pair{"--kernel", "k",       "--listen", "1.1.1.1:1", "--arbiter", "file:a", "--keys",
                                      "k",        "--state", "s",        "--control", "c",         "--vnc",  ":1"};
  CHECK(accepted(Mode::protect, pair));
}

TEST_CASE("an address that other hosts reach needs a password") {
  CHECK_FALSE(accepted(Mode::run, {"--kernel", "k", "--vnc", "0.0.0.0:1"}));
  CHECK(accepted(Mode::run, {"--kernel", "k", "--vnc", "0.0.0.0:1", "--vnc-password", "p"}));
  CHECK_FALSE(accepted(Mode::run, {"--kernel", "k", "--vnc-password", "p"}));
  CHECK_FALSE(accepted(Mode::run, {"--kernel", "k", "--vnc", "nonsense"}));
  CHECK_FALSE(accepted(Mode::run, {"--kernel", "k", "--vnc", ""}));
}

}  // namespace lockstitch::app
