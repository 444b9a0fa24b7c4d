// Runs a board without any input and keeps what it did: the digest trail, the console, the end. For tests that claim two
// executions to be equal.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lockstitch/sink.h"
#include "vmm/app/board.h"
#include "vmm/machine/quiet_source.h"

namespace lockstitch::test {

using Trail = std::vector<std::pair<std::uint64_t, std::string>>;

/// Keeps digests and console bytes.
class TrailSink final : public Sink {
 public:
  void effect(const Effect& effect) override { console.append(effect.payload.begin(), effect.payload.end()); }
  void digest(Tick tick, const Digest& digest) override { trail.emplace_back(tick.value, to_text(digest)); }

  Trail trail;
  std::string console;
};

}  // namespace lockstitch::test
