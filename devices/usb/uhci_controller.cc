// See uhci_controller.h.
#include "devices/usb/uhci_controller.h"

#include <algorithm>

#include "devices/usb/uhci_registers.h"
#include "lockstitch/assert.h"

namespace lockstitch {
using namespace uhci;

namespace {
constexpr unsigned serial_bus_release = 0x60, legacy_support = 0xc0;
constexpr std::uint8_t usb_1_0 = 0x10;
// Of the upper byte of the legacy support register.
constexpr std::uint8_t route_interrupt = 0x20, interrupt_active = 0x10;
constexpr std::uint8_t legacy_writable = 0xbf;
}  // namespace

UhciController::UhciController(std::string name, GuestMemory& memory, ClockPort& clock, IrqLine& pin)
    : PciFunction(std::move(name), {.vendor = 0x8086,
                                    .device = 0x7020,
                                    .revision = 1,
                                    .class_code = 0x0c'03'00,
                                    .status = 0x0280,
                                    .interrupt_pin = 4}),
      clock_(clock),
      pin_(pin),
      schedule_(memory, ports_) {
  set_initial(serial_bus_release, {usb_1_0});
  set_initial(legacy_support, {0, route_interrupt});
  set_writable(legacy_support, 1, legacy_writable);
  set_writable(legacy_support + 1, 1, route_interrupt);
  add_bar(register_bar, BarKind::io, register_bytes);
  reset_host();
}

void UhciController::plug(unsigned port, UsbDevice& device) {
  LS_ASSERT_CMP(port, <, ports);
  ports_[port].plug(device);
}

void UhciController::attach(AlarmPort& alarm, MapPort& registers) {
  alarm_ = &alarm;
  attach_bar(register_bar, registers);
}

void UhciController::reset() {
  PciFunction::reset();
  reset_host();
  for (UhciPort& port : ports_) port.power_on();
  pin_.set(false);
  alarm_->cancel();
}

void UhciController::reset_host() {
  command_ = status_ = enabled_ = frame_ = 0;
  complete_ = short_packet_ = false;
  frame_list_ = 0;
  start_of_frame_ = start_of_frame_default;
  frame_end_ns_ = ns_never;
  for (UhciPort& port : ports_) port.forget();
}

void UhciController::visit(StateVisitor& v) {
  PciFunction::visit(v);
  v.field("command", command_);
  v.field("status", status_);
  v.field("enabled", enabled_);
  v.field("frame", frame_);
  v.field("complete", complete_);
  v.field("short_packet", short_packet_);
  v.field("frame_list", frame_list_);
  v.field("start_of_frame", start_of_frame_);
  v.field("frame_end_ns", frame_end_ns_);
  for (unsigned i = 0; i < ports; ++i) {
    Section section(v, i == 0 ? "port0" : "port1");
    ports_[i].visit(v);
  }
  if (!v.loading()) return;
  if ((command_ & ~command_mask) || (status_ & ~status_clearable) || (enabled_ & ~enable_mask) ||
      (frame_ & ~frame_number_mask) || (frame_list_ & ~frame_list_mask) || (start_of_frame_ & ~start_of_frame_mask) ||
      runs() != (frame_end_ns_ != ns_never))
    v.fail("UHCI: impossible register");
}

std::uint32_t UhciController::read_config(unsigned offset, unsigned width) {
  std::uint32_t value = PciFunction::read_config(offset, width);
  for (unsigned i = 0; i < width; ++i)
    if (offset + i == legacy_support + 1 && interrupt()) value |= std::uint32_t{interrupt_active} << (8 * i);
  return value;
}

void UhciController::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  PciFunction::write_config(offset, width, value);
  settle();
}

std::uint64_t UhciController::Registers::read(std::uint64_t offset, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const auto at = static_cast<unsigned>(offset) + i;
    const std::uint64_t byte = (owner_.read_word(at & ~1u) >> (8 * (at & 1))) & 0xff;
    value |= byte << (8 * i);
  }
  return value;
}

void UhciController::Registers::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  // Registers of 16 bits, each written once.
  for (unsigned i = 0; i < width;) {
    const auto at = static_cast<unsigned>(offset) + i;
    const bool whole = !(at & 1) && i + 1 < width;
    const unsigned shift = 8 * (at & 1);
    const std::uint64_t part = value >> (8 * i);
    owner_.write_word(at & ~1u, static_cast<std::uint16_t>((whole ? part : part & 0xff) << shift),
                      static_cast<std::uint16_t>(whole ? 0xffff : 0xff << shift));
    i += whole ? 2 : 1;
  }
  owner_.settle();
}

std::uint16_t UhciController::read_word(unsigned at) const {
  switch (at) {
    case uhci::command:
      return command_;
    case uhci::status:
      return static_cast<std::uint16_t>(status_ | (command_ & command_run ? 0 : status_halted));
    case interrupt_enable:
      return enabled_;
    case frame_number:
      return frame_;
    case frame_list:
      return static_cast<std::uint16_t>(frame_list_);
    case frame_list + 2:
      return static_cast<std::uint16_t>(frame_list_ >> 16);
    case start_of_frame:
      return start_of_frame_;
    case first_port:
    case first_port + 2:
      return ports_[(at - first_port) / 2].read();
    default:
      return 0;
  }
}

void UhciController::write_word(unsigned at, std::uint16_t value, std::uint16_t mask) {
  const auto merged = [&](std::uint32_t old) { return static_cast<std::uint16_t>((old & ~mask) | (value & mask)); };
  switch (at) {
    case uhci::command:
      return write_command(merged(command_));
    case uhci::status:
      status_ &= static_cast<std::uint16_t>(~(value & mask));
      if (!(status_ & status_interrupt)) complete_ = short_packet_ = false;
      return;
    case interrupt_enable:
      enabled_ = merged(enabled_) & enable_mask;
      return;
    case frame_number:
      if (!(command_ & command_run)) frame_ = merged(frame_) & frame_number_mask;
      return;
    case frame_list:
      frame_list_ = ((frame_list_ & 0xffff'0000) | merged(frame_list_)) & frame_list_mask;
      return;
    case frame_list + 2:
      frame_list_ = (frame_list_ & 0xffff) | std::uint32_t{merged(frame_list_ >> 16)} << 16;
      return;
    case start_of_frame:
      start_of_frame_ = merged(start_of_frame_) & start_of_frame_mask;
      return;
    case first_port:
    case first_port + 2:
      return ports_[(at - first_port) / 2].write(value, mask);
    default:
      return;
  }
}

void UhciController::write_command(std::uint16_t value) {
  const bool slept = command_ & command_global_suspend;
  if (value & command_global_reset) {
    // Lasts until the driver ends it; the bus is reset all the while.
    for (UhciPort& port : ports_) port.reset_bus();
    reset_host();
    command_ = command_global_reset;
    return;
  }
  if (value & command_host_reset) return reset_host();
  const bool ran = runs();
  command_ = value & command_mask;
  if (runs() != ran) frame_end_ns_ = ran ? ns_never : clock_.now() + frame_ns;
  if (!slept && (command_ & command_global_suspend))
    for (const UhciPort& port : ports_)
      if (port.wants_wake()) return wake();
}

/// A device woke up.
void UhciController::wake() {
  if (!(command_ & command_global_suspend)) return;
  command_ |= command_global_resume;
  status_ |= status_resume;
  settle();
}

void UhciController::alarm() {
  const VirtualNs now = clock_.now();
  if (!runs() || now < frame_end_ns_) return settle();
  const std::uint64_t passed = (now - frame_end_ns_) / frame_ns + 1;
  const std::uint64_t walked = std::min(passed, catch_up_frames);
  frame_ = static_cast<std::uint16_t>((frame_ + passed - walked) & frame_number_mask);
  frame_end_ns_ = frame_end_ns_ + passed * frame_ns;
  for (std::uint64_t i = 0; i < walked && runs(); ++i) run_frame();
  settle();
}

void UhciController::run_frame() {
  if (bus_master()) {
    const UhciSchedule::Outcome outcome = schedule_.run(frame_list_ + 4 * (frame_ % frame_list_entries));
    complete_ |= outcome.complete;
    short_packet_ |= outcome.short_packet;
    if (complete_ || short_packet_) status_ |= status_interrupt;
    if (outcome.error) status_ |= status_error;
    if (outcome.system_error) status_ |= status_system_error;
    if (outcome.process_error) status_ |= status_process_error;
    if (outcome.fault()) {
      command_ &= static_cast<std::uint16_t>(~command_run);
      frame_end_ns_ = ns_never;
    }
  }
  frame_ = (frame_ + 1) & frame_number_mask;
}

bool UhciController::runs() const { return (command_ & (command_run | command_global_suspend)) == command_run; }

bool UhciController::interrupt() const {
  return (complete_ && (enabled_ & enable_complete)) || (short_packet_ && (enabled_ & enable_short)) ||
         ((status_ & status_error) && (enabled_ & enable_error)) ||
         ((status_ & status_resume) && (enabled_ & enable_resume)) ||
         (status_ & (status_system_error | status_process_error));
}

void UhciController::settle() {
  pin_.set(interrupt() && !intx_disabled() && (config(legacy_support + 1) & route_interrupt));
  if (runs()) {
    alarm_->set(frame_end_ns_);
  } else {
    alarm_->cancel();
  }
}

}  // namespace lockstitch
