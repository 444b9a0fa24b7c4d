// SIGTERM and SIGINT as a descriptor that becomes readable, and stays so.
#pragma once

namespace lockstitch::ledger {

/// Call once, before anything else. Result: the descriptor; -1 if the kernel has none, and the signals kill as ever.
int watch_for_stop();

}  // namespace lockstitch::ledger
