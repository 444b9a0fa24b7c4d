// A witness as a process: serves until SIGINT or SIGTERM. For the command line, which knows nothing of kj.
#pragma once
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::sync {

struct WitnessOptions {
  std::string listen;  ///< address, with or without a port; `*`: every address
  std::string keys;    ///< folder of the witness's own keys
  std::string state;   ///< folder of the records, made if missing
};

/// Takes the signals for the whole process. Prints a line when it listens and one for each term that is raised. Fails:
/// what is wrong with the options, the address, the keys, the folder or the disk.
Result<int> serve_witness(const WitnessOptions& options);

}  // namespace lockstitch::sync
