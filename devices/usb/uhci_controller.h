// The USB function of the chipset: registers, frames in time, interrupts. Not here: what a frame does
// (uhci_schedule.h), the root ports (uhci_port.h), the devices behind them.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/pci/pci_function.h"
#include "devices/usb/uhci_port.h"
#include "devices/usb/uhci_schedule.h"

namespace lockstitch {

/// Models:   PIIX3 function 2 (8086:7020): a UHCI host controller with two root ports, INTD
/// Maturity: control, bulk and interrupt transfers; suspend and resume; isochronous transfers end as the bus would end
///           them, but no device here has any
/// Missing:  software debug mode (its bit is kept), over-current, keyboard emulation by traps (its enables are kept)
/// Ignored:  data toggles (no packet is ever lost or repeated on this bus), SOFMOD (kept), whether the last packet of a
///           frame still fits
/// Arrivals: none; a device that is plugged in may have some
/// Effects:  none
/// Alarms:   one: the end of the frame, every millisecond while the controller runs. What its transactions do to guest
///           memory happens then, and its interrupts follow.
/// Source:   UHCI Design Guide 1.1; Intel 82371SB datasheet
class UhciController final : public PciFunction, public AlarmHandler, private UsbUpstream {
 public:
  static constexpr unsigned register_bar = 4;
  static constexpr std::uint64_t register_bytes = 32;
  static constexpr unsigned ports = UhciSchedule::ports;
  /// Unit: ns.
  static constexpr std::uint64_t frame_ns = 1'000'000;
  /// Unit: frames. When the clock jumps, the lists are walked for this many of the frames that passed, the last ones:
  /// as many as drivers put between two polls of an endpoint.
  static constexpr std::uint64_t catch_up_frames = 32;

  UhciController(std::string name, GuestMemory& memory, ClockPort& clock, IrqLine& pin);
  /// Called while the machine is built. Range: port 0 (PORTSC1) or 1, once for each.
  void plug(unsigned port, UsbDevice& device);
  /// Called once, before anything else. The port moves registers().
  void attach(AlarmPort& alarm, MapPort& registers);

  /// 32 ports, BAR 4.
  RegisterWindow& registers() { return register_window_; }

  void reset() override;
  void visit(StateVisitor& visitor) override;
  std::uint32_t read_config(unsigned offset, unsigned width) override;
  void write_config(unsigned offset, unsigned width, std::uint32_t value) override;
  void alarm() override;

 private:
  class Registers final : public RegisterWindow {
   public:
    explicit Registers(UhciController& owner) : owner_(owner) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    UhciController& owner_;
  };

  std::uint16_t read_word(unsigned at) const;
  /// Range: `mask` has the bits that the access reaches.
  void write_word(unsigned at, std::uint16_t value, std::uint16_t mask);
  void write_command(std::uint16_t value);
  void reset_host();
  void wake() override;
  void run_frame();
  bool runs() const;
  bool interrupt() const;
  /// After anything that happened: drives the pin, and plans or cancels the alarm.
  void settle();

  ClockPort& clock_;
  IrqLine& pin_;
  AlarmPort* alarm_ = nullptr;
  Registers register_window_{*this};
  std::array<UhciPort, ports> ports_{UhciPort(*this), UhciPort(*this)};
  UhciSchedule schedule_;

  std::uint16_t command_ = 0, status_ = 0, enabled_ = 0, frame_ = 0;
  bool complete_ = false, short_packet_ = false;  ///< which of them made status_interrupt
  std::uint32_t frame_list_ = 0;
  std::uint8_t start_of_frame_ = 0;
  VirtualNs frame_end_ns_ = ns_never;  ///< of the frame that is under way
};

}  // namespace lockstitch
