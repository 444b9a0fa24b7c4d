// A test guest ready to run, and how a run of it ended.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "tests/replay/guests/guest_header.h"
#include "tests/replay/support/run_trail.h"

namespace lockstitch::test {

/// LOCKSTITCH_SEED, or another one in each process.
std::uint64_t seed();

struct Ended {
  End end;
  std::uint64_t tick = 0;
  std::string digest;
  std::string console;
  Trail trail;
};

class Guest {
 public:
  explicit Guest(const GuestHeader& header);
  std::unique_ptr<app::Board> board(std::uint64_t quantum_ticks, const app::EngineRequest& engine = {}) const;
  Tick limit() const { return Tick{header_.ticks_max}; }

 private:
  const GuestHeader& header_;
  app::BootFiles files_;
};

Ended finish(app::Board& board, const End& end, const TrailSink& sink);
Ended run_whole(const Guest& guest);

}  // namespace lockstitch::test
