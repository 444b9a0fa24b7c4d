// Images made by QEMU's own tools, where they are installed.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/unit/world/disk_trial.h"

namespace lockstitch::test {

/// False: not installed, which is told and counted.
inline bool have_qemu_tools() {
  static const bool there = std::system("command -v qemu-img >/dev/null && command -v qemu-nbd >/dev/null") == 0;
  if (!there) std::puts("skipped: images of QEMU's formats, for qemu-utils is not installed");
  return there;
}

inline bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

inline bool says(const std::string& sentence, const std::string& part) {
  return sentence.find(part) != std::string::npos;
}

}  // namespace lockstitch::test
