// Random operand values: mostly the ones at which instructions go wrong.
#pragma once
#include <cstdint>
#include <span>

#include "tests/differential/random.h"
#include "tests/differential/registers.h"

namespace lockstitch::differential {

std::uint64_t integer_value(Random& random);
/// A single, double or extended number; NaNs, infinities, denormals, halves and limits of integers among them.
std::uint32_t single_value(Random& random);
std::uint64_t double_value(Random& random);
void extended_value(Random& random, std::uint8_t* ten_bytes);
/// Sixteen bytes of packed numbers of one kind.
Bytes16 packed_value(Random& random);
/// Bytes as operands: numbers of one kind, or noise.
void operand_bytes(Random& random, std::span<std::uint8_t> out);

std::uint32_t mxcsr_value(Random& random);
void x87_state(Random& random, Registers& registers);

}  // namespace lockstitch::differential
