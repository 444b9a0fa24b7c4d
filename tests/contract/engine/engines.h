// The list of engines that the suite holds to the contract. A new engine gets a line in engines.cc and nothing else.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/engine.h"

namespace lockstitch::test {

struct EngineUnderTest {
  std::string name;
  TickUnit ticks = TickUnit::instruction;
  // What the host's backend can do. What it cannot is skipped.
  bool real_mode = true;
  bool legacy_paging = true;  ///< protected mode outside long mode, without paging and with 32-bit paging
  bool pae = true;            ///< the same with PAE. QEMU 7.2's processor marks page-directory pointers as accessed
  /// The rig does the observe().
  std::function<std::unique_ptr<Engine>(GuestMemory&)> make;
};

/// Those that this host can run. The first is the interpreter that counts instructions: the reference.
std::vector<EngineUnderTest> engines();

}  // namespace lockstitch::test
