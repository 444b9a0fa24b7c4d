// The PCI-to-ISA bridge: its configuration space and the router from PCI interrupt pins to ISA interrupts. Not here:
// the other things on the chip (IDE, power management, 8259, reset control), which are devices of their own.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "devices/pci/pci_function.h"

namespace lockstitch {

/// Models:   PIIX3 function 0 (8086:7000) with its PIRQ router
/// Maturity: routing complete
/// Missing:  APIC and DMA routing registers (stored)
/// Ignored:  routes to the reserved interrupts 0, 1, 2, 8 and 13
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   Intel 82371SB datasheet; reference/platform.md 2.5, 7.2
class IsaBridge final : public PciFunction {
 public:
  /// `outputs`: the ISA interrupt wires, null where nothing is connected. Each is driven with the OR of what is routed
  /// to it; an ISA device on the same wire needs its own input.
  IsaBridge(std::string name, const std::array<IrqLine*, 16>& outputs);

  /// The wire of one pin of one slot. Range: slot 0..31, pin 1..4 (INTA..INTD).
  /// Two functions of a slot that share a pin would need an OR before it.
  IrqLine& pin(unsigned slot, unsigned pin);

  /// What firmware would write to 60h + pirq; for boots without firmware, after every reset.
  void route(unsigned pirq, std::uint8_t irq);

  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override;
  void write_config(unsigned offset, unsigned width, std::uint32_t value) override;

 private:
  class Pin final : public IrqLine {
   public:
    Pin(IsaBridge& bridge, unsigned slot, unsigned pin) : bridge_(bridge), slot_(slot), pin_(pin) {}
    void set(bool level) override { bridge_.set_pin(slot_, pin_, level); }

   private:
    IsaBridge& bridge_;
    unsigned slot_, pin_;
  };

  void set_pin(unsigned slot, unsigned pin, bool level);
  /// Bit n: ISA interrupt n is driven.
  std::uint16_t wanted() const;
  void update();

  std::array<IrqLine*, 16> outputs_;
  std::vector<Pin> pins_;
  std::uint16_t driven_ = 0;  ///< what outputs_ were last told

  std::array<std::uint32_t, 4> levels_{};  ///< [pin - 1], bit n: slot n
};

}  // namespace lockstitch
