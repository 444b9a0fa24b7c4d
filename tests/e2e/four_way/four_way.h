// The four-way rule through the program: live, recorded, replayed, and replayed from a checkpoint in the middle.
#pragma once
#include <string>
#include <vector>

#include "tests/e2e/cli/program.h"

namespace lockstitch::test {

inline std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

inline std::string digest_of(const Account& account) { return account.summary.at("final_digest"); }
inline std::uint64_t ticks_of(const Account& account) { return account.summary.at("ticks"); }

/// A replay that reached the recorded end and found everything equal; fails the test otherwise.
Account check_replay(const std::string& trace, const std::vector<std::string>& flags, const std::string& digest);

/// All four, for a guest that nothing from outside can influence. Returns the recording.
Account check_four_ways(const std::vector<std::string>& guest, const std::string& trace);

}  // namespace lockstitch::test
