// What a checkpoint is made of, as plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/digest.h"
#include "lockstitch/tick.h"

namespace lockstitch::sync {

/// Numbered pages of 4 KiB: RAM or a disk. A page that a checkpoint does not list is as at power-on.
struct RegionShape {
  std::string name;  ///< "ram", "disk0", ...
  std::uint64_t pages = 0;
};

struct PageChanges {
  std::vector<std::uint64_t> numbers;
  std::vector<std::uint8_t> contents;  ///< 4096 bytes for each number, in their order
};

struct Snapshot {
  Tick tick;
  VirtualNs ns;
  Digest digest;
  std::vector<std::uint8_t> state;
  /// For each region what changed since the snapshot before; at first all that is not as at power-on.
  std::vector<PageChanges> regions;
};

}  // namespace lockstitch::sync
