// A whole file of the host in memory: kernels, initial RAM disks, firmware, configuration.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::world {

/// `what` opens the sentence on failure, e.g. "The kernel". Fails: missing, a directory, unreadable, above
/// `limit_bytes`.
Result<std::vector<std::uint8_t>> read_host_file(const std::string& path, std::size_t limit_bytes,
                                                 std::string_view what);

}  // namespace lockstitch::world
