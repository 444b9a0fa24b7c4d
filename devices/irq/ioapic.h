// The I/O APIC: 24 wires in, interrupt messages out. Not here: who is meant by a destination (local_apic.h).
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/irq/eoi_listener.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   82093AA I/O APIC, 24 pins, version 11h (no EOI register), window FEC0_0000 (4 KiB)
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  polarity (wires are active high); accesses to IOWIN that are not 32 bits; writes to registers 1 and 2
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   Intel 82093AA datasheet; reference/platform.md 2.5, 7.10
class IoApic final : public Device, public RegisterWindow, public EoiListener {
 public:
  static constexpr unsigned pin_count = 24;

  /// `messages` carries what it delivers, in the form of MSIs.
  IoApic(std::string name, MsiPort& messages);

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;
  void end_of_interrupt(std::uint8_t vector) override;

  /// Range: 0..23.
  IrqLine& input(unsigned pin) { return inputs_[pin]; }

 private:
  class Input final : public IrqLine {
   public:
    Input(IoApic& apic, unsigned pin) : apic_(apic), pin_(pin) {}
    void set(bool level) override { apic_.set_input(pin_, level); }

   private:
    IoApic& apic_;
    unsigned pin_;
  };

  void set_input(unsigned pin, bool level);
  /// Sends the pin's message if it is level-triggered, asserted, open and not already being served.
  void service_level(unsigned pin);
  void send(unsigned pin);
  std::uint32_t read_register() const;
  void write_register(std::uint32_t value);

  std::string name_;
  MsiPort& messages_;
  std::array<Input, pin_count> inputs_;
  std::array<std::uint64_t, pin_count> entries_{};
  std::uint32_t wires_ = 0;
  std::uint8_t select_ = 0;
  std::uint8_t id_ = 0;
};

}  // namespace lockstitch
