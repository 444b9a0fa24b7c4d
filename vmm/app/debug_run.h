// A live guest under gdb. It waits for the first debugger before its first instruction; when a debugger leaves, it runs
// on, and another one may come.
#pragma once
#include "lockstitch/result.h"
#include "vmm/app/session.h"

namespace lockstitch::app {

/// Until the machine's end. Fails: gdb cannot connect there.
Result<std::optional<End>> run_debugged(Session& session);

}  // namespace lockstitch::app
