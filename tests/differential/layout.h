// Where things lie in the linear address space that the processor and the engine share during a differential test.
// Everything is below 4 GiB so that 64-bit and 32-bit code see the same addresses.
#pragma once
#include <cstdint>

#include "lockstitch/types.h"

namespace lockstitch::differential {

/// Two pages of code, readable and executable by the user, full of INT3 but for the instruction under test; the page behind
/// them is not mapped.
inline constexpr std::uint64_t code_base = 0x1000'0000;
inline constexpr std::uint64_t code_bytes = 2 * page_bytes;
inline constexpr std::uint64_t code_end = code_base + code_bytes;

/// One read-only page, three writable ones; nothing before and behind them. None may be executed.
inline constexpr std::uint64_t data_base = 0x1001'0000;
inline constexpr std::uint64_t writable_base = data_base + page_bytes;
inline constexpr std::uint64_t data_bytes = 4 * page_bytes;
inline constexpr std::uint64_t data_end = data_base + data_bytes;

/// GS base in 64-bit mode; FS belongs to the test program's thread.
inline constexpr std::uint64_t gs_base = 0x1230;

inline constexpr std::uint8_t filler = 0xcc;  ///< INT3: where the instruction under test ends or lands

}  // namespace lockstitch::differential
