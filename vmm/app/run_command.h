// `lockstitch run` and `lockstitch record`: one guest from its start to its end.
#pragma once
#include "lockstitch/result.h"
#include "vmm/app/settings.h"
#include "vmm/app/summary.h"

namespace lockstitch::app {

/// The process's exit code. Range: mode run or record. Fails: what stopped the guest from starting, or the recording
/// from going on.
Result<int> run_guest(Settings settings, Mode mode);

/// What is known of a run before it begins.
Summary begin_summary(const Settings& settings, Mode mode);

}  // namespace lockstitch::app
