// What a recorded guest has written to its consoles, with the ticks, as far as it was followed.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lockstitch/sink.h"

namespace lockstitch::debug {

class ConsoleLog final : public Sink {
 public:
  /// Effects go on to `next`. `ports`: those whose bytes are text.
  ConsoleLog(Sink& next, std::vector<PortId> ports) : next_(next), ports_(std::move(ports)) {}

  void effect(const Effect& effect) override;
  void digest(Tick tick, const Digest& digest) override { next_.digest(tick, digest); }

  /// The last lines before a tick.
  std::string tail(Tick tick, std::size_t lines) const;

 private:
  Sink& next_;
  const std::vector<PortId> ports_;
  std::vector<std::pair<Tick, std::string>> pieces_;
};

}  // namespace lockstitch::debug
