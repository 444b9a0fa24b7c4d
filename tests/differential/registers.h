// What a user program can see of the CPU: the input and the output of one differential case.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "vmm/engine/interp/row.h"

namespace lockstitch::differential {

using Bytes16 = std::array<std::uint8_t, 16>;

/// Selectors of ES, CS, SS and DS.
using Selectors = std::array<std::uint16_t, 4>;

struct Registers {
  std::array<std::uint64_t, 16> gpr{};
  std::uint64_t rip = 0;
  std::uint64_t rflags = 0x202;
  std::array<Bytes16, 16> xmm{};
  std::uint32_t mxcsr = 0x1f80;
  std::array<Bytes16, 8> st{};  ///< by stack position; 10 bytes count
  std::uint16_t fpu_control = 0x37f, fpu_status = 0;
  std::uint8_t fpu_tag = 0;
  Selectors selector{};
};

/// Linux's selectors of user code and data; the engine's side has the same table.
inline constexpr std::uint16_t user_code32 = 0x23, user_data = 0x2b, user_code64 = 0x33;

/// Bytes put into memory before the case.
struct Patch {
  std::uint64_t at = 0;
  std::vector<std::uint8_t> bytes;
};

struct Case {
  const interp::Row* row = nullptr;
  unsigned bits = 64;                 ///< 64 or 32
  std::vector<std::uint8_t> bytes;    ///< the instruction; placed at before.rip
  Registers before;
  std::vector<Patch> memory;
};

struct Outcome {
  Registers after;
  bool exception = false;
  unsigned vector = 0;
  std::uint32_t error_code = 0;
  std::uint64_t fault_address = 0;  ///< for #PF
  bool memory_counts = true;        ///< the data pages are compared
  std::string trouble;              ///< not empty: the case could not be brought to an end
};

}  // namespace lockstitch::differential
