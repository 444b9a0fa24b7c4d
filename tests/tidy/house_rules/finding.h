// One breach of a house rule: where, what, and what to do about it. Every lint returns a list of them.
#pragma once
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace lockstitch::tidy {

struct Finding {
  std::string path;      ///< from the root of the repository
  std::size_t line = 0;  ///< from 1
  std::string what;
  std::string cure;
};

using Findings = std::vector<Finding>;

inline std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  return out << finding.path << ":" << finding.line << ": " << finding.what << "\n  cure: " << finding.cure;
}

}  // namespace lockstitch::tidy
