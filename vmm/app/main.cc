// The program `lockstitch`. Everything else is in command_line.h.
#include <signal.h>

#include <string>
#include <vector>

#include "vmm/app/command_line.h"
#include "vmm/world/standard_streams.h"

int main(int argc, char** argv) {
  lockstitch::world::occupy_standard_streams();
  ::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write(), not our end
  ::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow
  return lockstitch::app::run_command_line(std::vector<std::string>(argv + 1, argv + argc));
}
