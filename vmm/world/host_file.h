// A whole file of the host at once: kernels, initial RAM disks, firmware, configuration.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::world {

/// `what` opens the sentence on failure, e.g. "The kernel". Fails: missing, a directory, unreadable, above
/// `limit_bytes`.
Result<std::vector<std::uint8_t>> read_host_file(const std::string& path, std::size_t limit_bytes,
                                                 std::string_view what);

/// The file then holds all of it or, after a failure, what it held before. Fails: no permission, no room.
Outcome replace_host_file(const std::string& path, std::span<const std::uint8_t> contents, std::string_view what);

}  // namespace lockstitch::world
