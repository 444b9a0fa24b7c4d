// See command_line.h.
#include "vmm/app/command_line.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "vmm/app/message.h"
#include "vmm/app/options.h"
#include "vmm/app/run_command.h"
#include "vmm/app/suggestion.h"

namespace lockstitch::app {

namespace {

constexpr std::string_view overview =
    "Lockstitch runs virtual machines whose every step can be repeated exactly.\n"
    "\n"
    "usage: lockstitch run [GUEST.toml] [flags]   run a guest; `lockstitch run --help` lists the flags\n"
    "       lockstitch help [run]                 this text, or a command's\n"
    "       lockstitch --version\n";

constexpr std::array<std::string_view, 5> commands{"run", "help", "--help", "-h", "--version"};

int print(std::string_view text) {
  fmt::print("{}", text);
  return 0;
}

int complain(const Error& error) {
  say(error.text);
  return static_cast<int>(error.code);
}

int run(const std::vector<std::string>& arguments) {
  auto settings = read_options(arguments);
  if (!settings.ok()) return complain(settings.error());
  if (!settings.value()) return print(run_help());
  auto exit_code = run_guest(*settings.value());
  if (!exit_code.ok()) return complain(exit_code.error());
  return exit_code.value();
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return complain({ExitCode::usage, "a command is missing; `lockstitch help` lists them"});
  }
  const std::string& command = arguments[0];
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (command == "run") return run(rest);
  if (command == "--version") return print("lockstitch " LOCKSTITCH_VERSION "\n");
  if (command == "help" && !rest.empty() && rest[0] == "run") return print(run_help());
  if (command == "help" && !rest.empty()) {
    return complain(
        {ExitCode::usage, fmt::format("there is no help on '{}'; `lockstitch help` lists the commands", rest[0])});
  }
  if (command == "help" || command == "--help" || command == "-h") return print(overview);
  return complain({ExitCode::usage, fmt::format("there is no command '{}'{}", command,
                                                did_you_mean(command, commands, "`lockstitch help` lists them"))});
}

}  // namespace lockstitch::app
