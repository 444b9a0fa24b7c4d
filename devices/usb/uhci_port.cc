// See uhci_port.h.
#include "devices/usb/uhci_port.h"

#include "devices/usb/uhci_registers.h"
#include "lockstitch/assert.h"

namespace lockstitch {
using namespace uhci;

void UhciPort::plug(UsbDevice& device) {
  LS_ASSERT(device_ == nullptr);
  device_ = &device;
  device.connect(*this);
  forget();
}

void UhciPort::power_on() {
  forget();
  if (device_ != nullptr) device_->power_on();
}

void UhciPort::forget() {
  connect_change_ = device_ != nullptr;
  enabled_ = enable_change_ = resume_ = reset_ = suspended_ = false;
}

void UhciPort::reset_bus() {
  if (device_ != nullptr) device_->reset();
}

void UhciPort::visit(StateVisitor& v) {
  v.field("connect_change", connect_change_);
  v.field("enabled", enabled_);
  v.field("enable_change", enable_change_);
  v.field("resume", resume_);
  v.field("reset", reset_);
  v.field("suspended", suspended_);
  if (device_ == nullptr) return;
  Section section(v, "device");
  device_->visit(v);
}

std::uint16_t UhciPort::read() const {
  const bool low = device_ != nullptr && device_->low_speed();
  unsigned value = port_always_one;
  if (device_ != nullptr) value |= port_connected | (low ? port_low_speed : 0);
  if (device_ != nullptr && !reset_) value |= low != resume_ ? port_d_minus : port_d_plus;
  if (connect_change_) value |= port_connect_change;
  if (enabled_) value |= port_enabled;
  if (enable_change_) value |= port_enable_change;
  if (resume_) value |= port_resume;
  if (reset_) value |= port_reset;
  if (suspended_) value |= port_suspended;
  return static_cast<std::uint16_t>(value);
}

void UhciPort::write(std::uint16_t value, std::uint16_t mask) {
  const auto ones = static_cast<std::uint16_t>(value & mask);
  const auto after = [&](std::uint16_t bit, bool now) { return mask & bit ? (value & bit) != 0 : now; };
  if (ones & port_connect_change) connect_change_ = false;
  if (ones & port_enable_change) enable_change_ = false;

  const bool reset = after(port_reset, reset_);
  if (reset && !reset_) reset_bus();
  reset_ = reset;
  if (reset_) {
    enabled_ = suspended_ = resume_ = false;
    return;
  }
  enabled_ = after(port_enabled, enabled_) && device_ != nullptr;
  const bool slept = suspended_, resume = after(port_resume, resume_);
  suspended_ = after(port_suspended, suspended_);
  // The end of the resume signal is the end of the suspension.
  if (resume_ && !resume) suspended_ = false;
  resume_ = resume && suspended_;
  // It may have had something to say just before it was put to sleep.
  if (suspended_ && !slept && wants_wake()) wake();
}

void UhciPort::wake() {
  if (suspended_) resume_ = true;
  controller_.wake();
}

}  // namespace lockstitch
