// `lockstitch run` with its settings known: the run, and what is said and written at its end.
#pragma once
#include "lockstitch/result.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

/// Result: the process's exit code. Fails: the guest could not be started.
Result<int> run_guest(Settings settings);

}  // namespace lockstitch::app
