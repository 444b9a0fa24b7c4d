// The machine as recorders and checkers look at it.
#pragma once
#include "sync/tape/probe.h"
#include "vmm/machine/machine.h"

namespace lockstitch::app {

class MachineProbe final : public sync::Probe {
 public:
  explicit MachineProbe(Machine& machine) : machine_(machine) {}

  sync::Position position() override;
  std::vector<std::uint8_t> state() override;
  std::vector<std::uint64_t> memory_sums() override;
  std::string memory_part(std::size_t index) override;

 private:
  Machine& machine_;
};

}  // namespace lockstitch::app
