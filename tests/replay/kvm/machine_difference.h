// Two machines side by side: what of their states and memories differs.
#pragma once
#include <string>

#include "vmm/app/board.h"

namespace lockstitch::test {

/// Empty: nothing. The first differing field, and the first differing words of memory with their addresses; what
/// digests by exits leave out does not count.
std::string difference(app::Board& a, app::Board& b, std::size_t words_max = 12);

/// How many words of memory differ in nothing but what digests by exits leave out.
std::size_t ignored_differences(app::Board& a, app::Board& b);

}  // namespace lockstitch::test
