// The third party as the two hosts see it: a record and compare-and-set, behind a network that refuses, loses answers
// and brings claims late.
#pragma once
#include <array>
#include <functional>
#include <string>
#include <utility>

#include "sync/replica/term.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"

namespace lockstitch::sim {

/// Moody: each time another of the three.
enum class Reach : std::uint8_t { answers, away, loses, moody };

class SimArbiter {
 public:
  using Answer = std::function<void(const sync::ClaimAnswer&)>;

  SimArbiter(EventQueue& queue, Random& random, Plant plant, std::function<void()> changed)
      : queue_(queue), random_(random), plant_(plant), changed_(std::move(changed)) {}

  void raise(unsigned host, sync::Term expected, const std::string& holder, Answer answer);
  void look(unsigned host, Answer answer);

  const sync::ArbiterRecord& record() const { return record_; }
  std::array<Reach, 2> reach{};  ///< by host

 private:
  sync::ClaimAnswer apply(sync::Term expected, const std::string& holder);
  Reach reach_now(unsigned host);
  HostTime way() { return random_.spread(100 * us, 20 * ms); }

  EventQueue& queue_;
  Random& random_;
  const Plant plant_;
  const std::function<void()> changed_;
  sync::ArbiterRecord record_;
};

}  // namespace lockstitch::sim
