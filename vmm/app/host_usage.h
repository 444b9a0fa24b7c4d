// What this process has used of the host.
#pragma once
#include <cstdint>
#include <optional>

#include "vmm/machine/memory.h"

namespace lockstitch::app {

struct HostUsage {
  double cpu_seconds = 0;            ///< user and system, all threads
  std::uint64_t peak_rss_bytes = 0;  ///< with guest memory
  /// Guest memory that occupies the host's, and all that the process occupies besides it, both now. Nothing: the host
  /// does not tell (no /proc/self/pagemap).
  std::optional<std::uint64_t> guest_resident_bytes, monitor_bytes;
};

HostUsage host_usage(const Memory& memory);

}  // namespace lockstitch::app
