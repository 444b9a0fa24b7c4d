// An end of the cable: an existing TAP interface in the network namespace of a process. Source: Linux
// Documentation/networking/tuntap.rst, setns(2).
#pragma once
#include <string>

namespace lockstitch::wire {

/// Attaches to `place` = PID:NAME. This thread stays in that process's network namespace.
/// Result: a non-blocking descriptor, never closed. Fails: by std::runtime_error with a sentence.
int attach(const std::string& place, int namespace_fd);

/// A descriptor of the network namespace of the process in `place` = PID:NAME. Fails: as above.
int namespace_of(const std::string& place);

}  // namespace lockstitch::wire
