// One root port of the host controller: its register and the device that is plugged in. Not here: interrupts, and the
// bus as a whole (uhci_controller.h). Source: UHCI 1.1 2.1.7.
#pragma once
#include <cstdint>

#include "devices/usb/usb_device.h"

namespace lockstitch {

class UhciPort final : public UsbUpstream {
 public:
  /// `controller` hears of every wish to wake up.
  explicit UhciPort(UsbUpstream& controller) : controller_(controller) {}

  void plug(UsbDevice& device);

  void power_on();
  /// The controller forgets the port; the device does not notice.
  void forget();
  /// Resets what is plugged in.
  void reset_bus();
  void visit(StateVisitor& v);

  std::uint16_t read() const;
  /// Range: `mask` has the bits that the write reaches.
  void write(std::uint16_t value, std::uint16_t mask);

  /// Whom a token for this address reaches, or null.
  UsbDevice* find(std::uint8_t address) const {
    return device_ != nullptr && enabled_ && !suspended_ && device_->address() == address ? device_ : nullptr;
  }
  bool wants_wake() const { return device_ != nullptr && device_->wants_wake(); }
  void wake() override;

 private:
  UsbUpstream& controller_;
  UsbDevice* device_ = nullptr;
  bool connect_change_ = false, enabled_ = false, enable_change_ = false;
  bool resume_ = false, reset_ = false, suspended_ = false;
};

}  // namespace lockstitch
