// Makes differential cases from rows of the instruction table: a legal encoding (now and then an illegal one) with random
// prefixes, operands and registers, whose memory operand lands where the test wants it.
#pragma once
#include <optional>

#include "tests/differential/random.h"
#include "tests/differential/registers.h"

namespace lockstitch::differential {

/// One case for the row in 64- or 32-bit code. Nothing when this attempt hit an exclusion.
std::optional<Case> generate(const interp::Row& row, unsigned bits, Random& random);

}  // namespace lockstitch::differential
