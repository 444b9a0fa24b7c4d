// Images made by QEMU's own tools, where they are installed; a trouble that a test can look into; contents to compare.
#pragma once
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/contract/support/random.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::test {

using Contents = std::vector<std::uint8_t>;

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

inline Contents random_contents(Random& random, std::size_t size) {
  Contents contents(size);
  for (auto& byte : contents) byte = static_cast<std::uint8_t>(random.next());
  return contents;
}

struct Abandoned : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class TestTrouble : public world::WorldTrouble {
 public:
  void report(const Error& error) override { reports.push_back(error.text); }
  void over() override { ++overs; }
  bool wait_to_retry() override {
    ++waits;
    return on_wait ? on_wait() : false;
  }
  [[noreturn]] void abandon(const Error& error) override { throw Abandoned(error.text); }

  std::function<bool()> on_wait;
  std::vector<std::string> reports;
  int overs = 0, waits = 0;
};

}  // namespace lockstitch::test
