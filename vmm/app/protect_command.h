// `lockstitch protect` and `lockstitch standby`: one replica of a guest that runs on two hosts.
#pragma once
#include "lockstitch/result.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

/// Until the guest has switched itself off, or somebody ends this replica. Range: mode protect or standby.
Result<int> protect_guest(Settings settings, Mode mode);

}  // namespace lockstitch::app
