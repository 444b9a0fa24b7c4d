// Sentences and suggestions, and what the end of a machine is called.
#include "vmm/app/message.h"

#include <doctest/doctest.h>

#include <array>

#include "vmm/app/ending.h"
#include "vmm/app/suggestion.h"
#include "vmm/world/stop_request.h"

using namespace lockstitch;
using namespace lockstitch::app;

TEST_CASE("a message is one line that begins and ends like a sentence") {
  CHECK(sentence("the file is no kernel") == "The file is no kernel.");
  CHECK(sentence("The disk is empty.") == "The disk is empty.");
  CHECK(sentence("did you mean 'run'?") == "Did you mean 'run'?");
  CHECK(sentence("the file 'a\nb\x1b[2J' is gone\n") == "The file 'a b [2J' is gone.");
  CHECK(sentence("--memory: no") == "--memory: no.");
  CHECK(sentence("") == "");
}

TEST_CASE("the nearest known word is suggested, and none that is far") {
  constexpr std::array<std::string_view, 6> words{"memory", "kernel", "append", "no-reboot", "rtc", "net"};
  CHECK(nearest("memroy", words) == "memory");
  CHECK(nearest("memor", words) == "memory");
  CHECK(nearest("kernal", words) == "kernel");
  CHECK(nearest("noreboot", words) == "no-reboot");
  CHECK(nearest("nte", words) == "net");
  CHECK(nearest("xyz", words) == "");
  CHECK(nearest("", words) == "");
  CHECK(nearest("entirely-different", words) == "");
  CHECK(did_you_mean("memroy", words, "see --help") == "; did you mean 'memory'?");
  CHECK(did_you_mean("zzzzzz", words, "see --help") == "; see --help");
}

TEST_CASE("every end has its exit code, and the guest's byte is passed on as it is") {
  CHECK(describe({EndReason::power_off, 0}).exit_code == 0);
  CHECK(describe({EndReason::reset, 0}).exit_code == 0);
  CHECK(describe({EndReason::stop_tick, 5}).exit_code == 0);
  CHECK(describe({EndReason::shutdown, 0}).exit_code == 80);
  CHECK(describe({EndReason::shutdown, 0}).crash);
  for (const std::uint64_t byte : {0, 1, 64, 80, 82, 127, 255})
    CHECK(describe({EndReason::debug_exit, byte}).exit_code == int(byte));
  const auto stopped = [](world::StopReason reason) { return describe({EndReason::stopped, std::uint64_t(reason)}); };
  CHECK(stopped(world::StopReason::signal).exit_code == 82);
  CHECK(stopped(world::StopReason::signal).reason == "signal");
  CHECK(stopped(world::StopReason::escape_key).exit_code == 82);
  CHECK(stopped(world::StopReason::escape_key).reason == "escape_key");
  CHECK(stopped(world::StopReason::trouble).exit_code == 74);
}
