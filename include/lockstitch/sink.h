// Where effects and digests go: the live world, a gate, a checker, a shadow.
#pragma once
#include "lockstitch/digest.h"
#include "lockstitch/effect.h"

namespace lockstitch {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void effect(const Effect& effect) = 0;
  /// The digest of the whole machine at a tick, every N ticks and at the end.
  virtual void digest(Tick tick, const Digest& digest) = 0;
};

}  // namespace lockstitch
