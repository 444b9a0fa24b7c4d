// Wires interrupt sources to interrupt controllers: several sources may share one global system interrupt, and one
// interrupt may reach several controllers (PIC input and IOAPIC pin). A sink sees the OR of its sources.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "lockstitch/device.h"

namespace lockstitch {

class IrqRouter final : public Stateful {
 public:
  /// GSIs of one IOAPIC with 24 pins; 0 to 15 are the ISA interrupts.
  static constexpr unsigned gsi_count = 24;

  IrqRouter();
  ~IrqRouter() override;

  /// Connects a controller's input, which is low now. Order: calls to several sinks are made in connection order.
  void connect(unsigned gsi, IrqLine& sink);
  /// A new source for the interrupt. The reference lives as long as this.
  IrqLine& make_line(unsigned gsi);

  void visit(StateVisitor& visitor) override;
  /// Counts the levels again. Sinks are not called: they keep their own levels.
  void loaded() override;

 private:
  class Line;

  std::vector<std::unique_ptr<Line>> lines_;
  std::array<std::vector<IrqLine*>, gsi_count> sinks_;
  std::array<unsigned, gsi_count> high_{};  ///< sources that are high
};

}  // namespace lockstitch
