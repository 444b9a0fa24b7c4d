// The PCI function that places the power management block. Not here: the block itself
// (devices/acpi/power_management.h).
#pragma once
#include "devices/pci/pci_function.h"

namespace lockstitch {

/// Models:   PIIX4 function 3 (8086:7113): PMBA, PMREGMISC, device activity registers
/// Maturity: what guests touch
/// Missing:  SMBus (its registers are stored, nothing answers at SMBA)
/// Ignored:  device activity and resource registers are stored
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   Intel 82371AB datasheet; reference/platform.md 7.3. The power-on state is what firmware leaves (block at
///           600h, enabled), so that a boot without firmware finds it.
class PowerFunction final : public PciFunction {
 public:
  explicit PowerFunction(std::string name);
  /// Called once, before anything else. The port moves PowerManagement::pm_block() (64 ports).
  void attach(MapPort& pm_block);

  void reset() override;
  void loaded() override;
  void write_config(unsigned offset, unsigned width, std::uint32_t value) override;

 private:
  std::optional<std::uint64_t> block_place() const;

  PlacedWindow block_;
};

}  // namespace lockstitch
