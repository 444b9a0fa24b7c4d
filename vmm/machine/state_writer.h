// Saves components: collects the stream of state_format.h in memory.
#pragma once
#include <vector>

#include "vmm/machine/state_format.h"

namespace lockstitch {

class StateWriter final : public StateEncoder {
 public:
  const std::vector<std::uint8_t>& written() const { return bytes_; }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  void put(Bytes bytes) override;

  std::vector<std::uint8_t> bytes_;
};

/// The whole state of one component.
std::vector<std::uint8_t> save_state(Stateful& component);

}  // namespace lockstitch
