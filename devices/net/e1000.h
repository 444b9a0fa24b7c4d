// The network card on the PCI bus: register dispatch, interrupts, resets, and the one alarm that its parts share. Not
// here: what lies beyond the wire; rings and frames (e1000_transmit.h, e1000_receive.h).
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/net/e1000_eeprom.h"
#include "devices/net/e1000_phy.h"
#include "devices/net/e1000_receive.h"
#include "devices/net/e1000_registers.h"
#include "devices/net/e1000_transmit.h"
#include "devices/pci/pci_function.h"

namespace lockstitch {

/// Models:   Intel 82540EM (8086:100E, revision 3): BAR0 128 KiB of registers, BAR1 64 bytes of I/O, INTA
/// Maturity: complete for drivers of the 8254x family: legacy, context and data descriptors, segmentation, checksums,
///           VLAN, address and VLAN filters, interrupt moderation, EEPROM, PHY with a link to a gigabit partner
/// Missing:  power management capability, wake up, management (MANC), flow control, writing the EEPROM, split headers,
///           MAC loopback as a mode of its own (any loopback bit of RCTL or the PHY returns frames)
/// Ignored:  register writes narrower than 32 bits; IFCS (frames have no FCS here); write-back and prefetch thresholds;
///           collision and gap settings; the packet buffer's memory (10000h and up reads 0)
/// Arrivals: one Ethernet frame each, without FCS; kept up to 256 frames until the guest offers buffers, dropped and
///           counted past that, when the receiver, the link or bus mastering is off, or when shorter than 14 or longer
///           than 1518 bytes
/// Effects:  one Ethernet frame each, 14 to 1518 bytes; others are dropped and counted
/// Alarms:   one: the earliest of negotiation, transmission, delayed interrupt causes and the gap between interrupts
/// Source:   Intel 8254x Family of Gigabit Ethernet Controllers Software Developer's Manual; reference/platform.md 7.14
class E1000 final : public PciFunction, public ArrivalHandler, public AlarmHandler {
 public:
  static constexpr unsigned register_bar = 0, io_bar = 1;
  static constexpr std::uint64_t register_bytes = 128u << 10, io_bytes = 64;
  /// Unit: ns. Interrupts are never closer than this.
  static constexpr std::uint64_t interrupt_gap_ns = 500 * e1000::throttle_step_ns;

  E1000(std::string name, const std::array<std::uint8_t, 6>& mac, GuestMemory& memory, ClockPort& clock, IrqLine& pin,
        EffectPort& wire);
  /// Called once, before anything else. The ports move registers() and io().
  void attach(AlarmPort& alarm, MapPort& registers, MapPort& io);

  /// 128 KiB, BAR 0.
  RegisterWindow& registers() { return register_window_; }
  /// 64 bytes, BAR 1: an address and the register there.
  RegisterWindow& io() { return io_window_; }

  void reset() override;
  void visit(StateVisitor& visitor) override;
  void write_config(unsigned offset, unsigned width, std::uint32_t value) override;
  void arrive(Bytes frame) override;
  void alarm() override;

  const E1000Transmitter& transmitter() const { return transmitter_; }
  const E1000Receiver& receiver() const { return receiver_; }

 private:
  class Registers final : public RegisterWindow {
   public:
    explicit Registers(E1000& owner) : owner_(owner) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    E1000& owner_;
  };

  class Io final : public RegisterWindow {
   public:
    explicit Io(E1000& owner) : owner_(owner) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    E1000& owner_;
  };

  /// The near end of the cable: frames leave, or come back.
  class Wire final : public EffectPort {
   public:
    Wire(E1000& owner, EffectPort& beyond) : owner_(owner), beyond_(beyond) {}
    void emit(Bytes frame) override;

   private:
    E1000& owner_;
    EffectPort& beyond_;
  };

  std::uint32_t read_register(std::uint32_t at);
  void write_register(std::uint32_t at, std::uint32_t value);
  std::uint32_t read_statistics(std::uint32_t at);
  std::uint32_t status() const;
  void write_control(std::uint32_t value);
  void write_management(std::uint32_t value);
  void load_address();
  void reset_mac();

  bool loopback() const { return phy_.loopback() || registers_.any(e1000::rctl, e1000::rctl_lbm); }
  bool ready() const { return bus_master() && (phy_.link() || loopback()); }
  void link_changed(bool before);
  void raise(std::uint32_t causes) { causes_ |= causes & e1000::cause_all; }
  /// What the guest did may let a ring go on.
  void serve_rings();
  /// After anything that happened: drives the pin and plans the alarm.
  void settle();
  void drive_pin();
  void plan();

  const std::array<std::uint8_t, 6> mac_;
  ClockPort& clock_;
  IrqLine& pin_;
  AlarmPort* alarm_ = nullptr;
  Registers register_window_{*this};
  Io io_window_{*this};
  Wire wire_;

  E1000Registers registers_;
  E1000Eeprom eeprom_;
  E1000Phy phy_;
  E1000Transmitter transmitter_;
  E1000Receiver receiver_;

  std::uint32_t causes_ = 0, enabled_causes_ = 0;
  bool asserted_ = false;              ///< an interrupt is signalled (the pin, unless INTx is disabled)
  VirtualNs quiet_until_ns_{0};        ///< no interrupt begins before
  VirtualNs interrupt_ns_ = ns_never;  ///< one waits for that moment
  VirtualNs planned_ns_ = ns_never;    ///< what the alarm is set to
  std::uint32_t io_address_ = 0;
};

}  // namespace lockstitch
