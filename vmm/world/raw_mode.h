// The person's terminal in raw mode, one per process, and its way back: on leaving, at exit, and when a fatal signal or
// an assertion ends the process (leave_raw_mode is async-signal-safe). SIGKILL cannot be helped.
#pragma once

namespace lockstitch::world {

/// Every key goes to the guest as it is; output is still processed, so that messages of ours keep their line ends.
/// Calling it again sets raw mode anew and keeps the first saved settings. Fails: false when `fd` is not a terminal.
bool enter_raw_mode(int fd);
void leave_raw_mode();

}  // namespace lockstitch::world
