// What a replica must still know after its process died: written to disk before anything that depends on it happens.
#pragma once
#include "sync/replica/term.h"

namespace lockstitch::sync {

enum class Right : std::uint8_t {
  fresh,     ///< this replica never ran the guest; its disks are as good as any
  led,       ///< it led in `term`: its disks are the newest unless a higher term exists
  followed,  ///< it followed in `term`: its disks may lack what the leader's have
  outdated,  ///< it gave up, or was being joined: its disks are not to be run from
};

struct Standing {
  Term term = 0;
  Right right = Right::fresh;
  friend bool operator==(const Standing&, const Standing&) = default;
};

}  // namespace lockstitch::sync
