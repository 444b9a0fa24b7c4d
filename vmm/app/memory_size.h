// Sizes of memory as people write them: 512M, 2G.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// Unit of the result: bytes. A unit is required, since programs disagree on what a bare number means. Fails: no size,
/// outside limits::memory_{min,max}_bytes, no multiple of 4 KiB.
Result<std::uint64_t> parse_memory_size(const std::string& text);

/// "512 MiB": the largest unit that divides it.
std::string memory_size_text(std::uint64_t bytes);

/// Fails: the host does not have that much memory and swap space together.
Outcome check_host_memory(std::uint64_t guest_bytes);

}  // namespace lockstitch::app
