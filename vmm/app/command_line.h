// The first word of the command line: which command is meant, and what to say when there is none.
#pragma once
#include <string>
#include <vector>

namespace lockstitch::app {

/// The whole program. Result: the process's exit code.
int run_command_line(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app
