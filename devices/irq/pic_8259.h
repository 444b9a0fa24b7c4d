// The cascaded pair of 8259A interrupt controllers of a PC with its edge/level register. Not here: how its output
// reaches the CPU (local_apic.h, LINT0).
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/byte_window.h"
#include "devices/irq/external_interrupt.h"

namespace lockstitch {

/// Models:   two 8259A (20h-21h, A0h-A1h) and the PIIX3 ELCR (4D0h-4D1h)
/// Maturity: complete for 8086 mode
/// Missing:  MCS-80 mode, buffered mode; ICW1 level bit (ELCR decides, as on PIIX)
/// Ignored:  a wire that falls before the acknowledge keeps its edge (the real chip would deliver a spurious IRQ 7)
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   Intel 8259A datasheet; reference/platform.md 2.5, 7.4
class Pic8259 final : public Device, public ExternalInterrupt {
 public:
  /// `output` is INTR.
  Pic8259(std::string name, IrqLine& output);

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;

  /// Range: 0..15 without 2, which is the cascade; its wire leads nowhere.
  IrqLine& input(unsigned n) { return inputs_[n]; }
  /// Ports 20h-21h, 2 bytes.
  RegisterWindow& master() { return master_window_; }
  /// Ports A0h-A1h, 2 bytes.
  RegisterWindow& slave() { return slave_window_; }
  /// Ports 4D0h-4D1h, 2 bytes.
  RegisterWindow& elcr() { return elcr_window_; }

  std::uint8_t acknowledge() override;

 private:
  /// What the next write to the data port is: OCW1, or the next word of the initialisation ICW1 → ICW2 → [ICW3] →
  /// [ICW4].
  enum class Expect : std::uint8_t { mask, icw2, icw3, icw4 };
  static constexpr unsigned expect_count = 4;

  struct Chip {
    std::uint8_t wires = 0;    ///< levels of the inputs
    std::uint8_t edges = 0;    ///< rising edges not yet acknowledged
    std::uint8_t level = 0;    ///< ELCR: these inputs are level-triggered
    std::uint8_t mask = 0xff;  ///< closed until the first ICW1
    std::uint8_t in_service = 0;
    std::uint8_t base = 0;    ///< vector of input 0
    std::uint8_t lowest = 7;  ///< input of lowest priority; the one after it is the highest
    Expect expect = Expect::mask;
    bool wants_icw3 = false, wants_icw4 = false;
    bool auto_eoi = false, rotate_on_auto_eoi = false;
    bool special_mask = false, fully_nested = false;
    bool read_in_service = false, poll = false;

    void visit(StateVisitor& visitor);
    std::uint8_t requests() const { return static_cast<std::uint8_t>((edges & ~level) | (wires & level)); }
  };

  class Input final : public IrqLine {
   public:
    Input(Pic8259& pic, unsigned number) : pic_(pic), number_(number) {}
    void set(bool level) override { pic_.set_input(number_, level); }

   private:
    Pic8259& pic_;
    unsigned number_;
  };

  static constexpr unsigned cascade = 2;
  static constexpr unsigned none = 8;

  void set_input(unsigned number, bool level);
  void set_wire(Chip& chip, unsigned input, bool level);
  /// The input this chip would signal now, or `none`.
  unsigned pending(const Chip& chip) const;
  unsigned highest(const Chip& chip, std::uint8_t bits) const;
  void take(Chip& chip, unsigned input);
  void update();
  void command(Chip& chip, std::uint8_t value);
  void data(Chip& chip, std::uint8_t value);
  void end_of_interrupt(Chip& chip, unsigned input, bool rotate);
  std::uint8_t read_chip(Chip& chip, std::uint64_t offset);
  void write_chip(Chip& chip, std::uint64_t offset, std::uint8_t value);

  std::uint8_t read_master(std::uint64_t offset) { return read_chip(master_, offset); }
  void write_master(std::uint64_t offset, std::uint8_t value) { write_chip(master_, offset, value); }
  std::uint8_t read_slave(std::uint64_t offset) { return read_chip(slave_, offset); }
  void write_slave(std::uint64_t offset, std::uint8_t value) { write_chip(slave_, offset, value); }
  std::uint8_t read_elcr(std::uint64_t offset) { return offset == 0 ? master_.level : slave_.level; }
  void write_elcr(std::uint64_t offset, std::uint8_t value);

  std::string name_;
  IrqLine& output_;
  Chip master_, slave_;
  std::array<Input, 16> inputs_;
  ByteWindowOf<Pic8259> master_window_{*this, &Pic8259::read_master, &Pic8259::write_master};
  ByteWindowOf<Pic8259> slave_window_{*this, &Pic8259::read_slave, &Pic8259::write_slave};
  ByteWindowOf<Pic8259> elcr_window_{*this, &Pic8259::read_elcr, &Pic8259::write_elcr};
};

}  // namespace lockstitch
