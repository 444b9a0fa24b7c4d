// See command_line.h.
#include "vmm/app/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "vmm/app/checkpoint_command.h"
#include "vmm/app/commit_command.h"
#include "vmm/app/doctor_command.h"
#include "vmm/app/keys_command.h"
#include "vmm/app/message.h"
#include "vmm/app/options.h"
#include "vmm/app/pair_commands.h"
#include "vmm/app/protect_command.h"
#include "vmm/app/replay_command.h"
#include "vmm/app/run_command.h"
#include "vmm/app/screen_commands.h"
#include "vmm/app/suggestion.h"
#include "vmm/app/trace_command.h"
#include "vmm/app/witness_command.h"

namespace lockstitch::app {

namespace {

constexpr std::string_view overview =
    "Lockstitch runs virtual machines whose every step can be repeated exactly.\n"
    "\n"
    "usage: lockstitch run [GUEST.toml] [flags]             run a guest\n"
    "       lockstitch record [GUEST.toml] -o DIR [flags]   run a guest and record it\n"
    "       lockstitch replay DIR [flags]                   run it again, exactly, and compare\n"
    "       lockstitch checkpoint DIR                       of a recording: to replay from, or to go on from live\n"
    "       lockstitch commit DIR                           what a recorded guest wrote goes into its disk images\n"
    "       lockstitch screen|screenshot|type|press|mouse|point|eject|insert WHERE ...\n"
    "                                                       see and touch a running guest\n"
    "       lockstitch protect GUEST.toml [flags]           run a guest on two hosts in lockstep\n"
    "       lockstitch standby GUEST.toml [flags]           be the other host\n"
    "       lockstitch keys -o DIR [MEMBER...]              make the keys by which they know each other\n"
    "       lockstitch witness [flags]                      be the third party of pairs\n"
    "       lockstitch status|failover|test-failover STATE  of a protected guest\n"
    "       lockstitch doctor                               what this host can do for guests\n"
    "       lockstitch trace show|stats|verify|diff|pack    look at recordings without running them\n"
    "       lockstitch help [COMMAND]                       this text, or a command's; also COMMAND --help\n"
    "       lockstitch --version\n";

constexpr std::array<std::string_view, 26> commands{
    "run",    "record", "replay",   "checkpoint",    "commit", "screen",  "screenshot", "type",     "press",
    "mouse",  "point",  "eject",    "insert",        "trace",  "protect", "standby",    "keys",     "witness",
    "doctor", "status", "failover", "test-failover", "help",   "--help",  "-h",         "--version"};

int print(std::string_view text) {
  fmt::print("{}", text);
  return 0;
}

int complain(const Error& error) {
  say(error.text);
  return static_cast<int>(error.code);
}

int finish(const Result<int>& exit_code) { return exit_code.ok() ? exit_code.value() : complain(exit_code.error()); }

int run(Mode mode, const std::vector<std::string>& arguments) {
  auto settings = read_options(mode, arguments);
  if (!settings.ok()) return complain(settings.error());
  if (!settings.value()) return print(options_help(mode));
  return finish(is_pair(mode) ? protect_guest(*settings.value(), mode) : run_guest(*settings.value(), mode));
}

int help(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return print(overview);
  const std::string& command = arguments[0];
  if (std::find(commands.begin(), commands.end(), command) == commands.end() || command.starts_with("-")) {
    return complain(
        {ExitCode::usage, fmt::format("there is no help on '{}'; `lockstitch help` lists the commands", command)});
  }
  return command == "help" ? print(overview) : run_command_line({command, "--help"});
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return complain({ExitCode::usage, "a command is missing; `lockstitch help` lists them"});
  }
  const std::string& command = arguments[0];
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (command == "run") return run(Mode::run, rest);
  if (command == "record") return run(Mode::record, rest);
  if (command == "replay") return finish(replay(rest));
  if (command == "checkpoint") return finish(make_checkpoint(rest));
  if (command == "commit") return finish(commit(rest));
  if (command == "screen") return finish(show_screen(rest));
  if (command == "screenshot") return finish(take_screenshot(rest));
  if (command == "type") return finish(type_into_guest(rest));
  if (command == "press") return finish(press_keys(rest));
  if (command == "mouse") return finish(move_guest_mouse(rest));
  if (command == "point") return finish(point_in_guest(rest));
  if (command == "eject") return finish(eject_medium(rest));
  if (command == "insert") return finish(insert_medium(rest));
  if (command == "trace") return finish(trace(rest));
  if (command == "protect") return run(Mode::protect, rest);
  if (command == "standby") return run(Mode::standby, rest);
  if (command == "keys") return finish(keys(rest));
  if (command == "witness") return finish(witness(rest));
  if (command == "doctor") return finish(doctor(rest));
  if (command == "status") return finish(status(rest));
  if (command == "failover") return finish(failover(rest));
  if (command == "test-failover") return finish(test_failover(rest));
  if (command == "--version") return print("lockstitch " LOCKSTITCH_VERSION "\n");
  if (command == "help") return help(rest);
  if (command == "--help" || command == "-h") return print(overview);
  return complain({ExitCode::usage, fmt::format("there is no command '{}'{}", command,
                                                did_you_mean(command, commands, "`lockstitch help` lists them"))});
}

}  // namespace lockstitch::app
