// See ide_drive.h.
#include "devices/ide/ide_drive.h"

#include <algorithm>

namespace lockstitch {

void IdeDrive::power_on() {
  registers_ = {};
  previous_ = {};
  at_ = end_ = 0;
  forget();
  interrupt_after_reset_ = false;
  after_reset();
}

void IdeDrive::visit(StateVisitor& v) {
  v.field("phase", phase_);
  v.field("status", status_);
  v.field("error", error_);
  v.field("registers", registers_);
  v.field("previous", previous_);
  v.field("interrupt", interrupt_);
  v.field("interrupt_after_reset", interrupt_after_reset_);
  v.field("deadline_ns", deadline_);
  v.field("at", at_);
  v.field("end", end_);
  if (!v.loading()) {
    std::vector<std::uint8_t> used(buffer_.begin(), buffer_.begin() + end_);
    v.blob("buffer", used, buffer_bytes);
    return;
  }
  std::vector<std::uint8_t> used;
  v.blob("buffer", used, buffer_bytes);
  const bool moving = phase_ == DrivePhase::data_in || phase_ == DrivePhase::data_out;
  if (phase_ > DrivePhase::resetting || end_ > buffer_bytes || at_ > end_ || used.size() != end_ ||
      (moving && at_ == end_)) {
    phase_ = DrivePhase::idle;
    at_ = end_ = 0;
    return v.fail("a drive's buffer or phase is impossible");
  }
  std::copy(used.begin(), used.end(), buffer_.begin());
}

std::uint8_t IdeDrive::read_register(unsigned offset, bool high_order) const {
  if (offset == 1) return error_;
  return high_order ? previous_[offset] : registers_[offset];
}

void IdeDrive::write_register(unsigned offset, std::uint8_t value) {
  if (phase_ != DrivePhase::idle) return;
  previous_[offset] = registers_[offset];
  registers_[offset] = value;
}

void IdeDrive::command(std::uint8_t code, std::uint8_t device) {
  constexpr std::uint8_t device_reset = 0x08;
  if (phase_ == DrivePhase::resetting) return;
  if (phase_ != DrivePhase::idle && code != device_reset) return;
  if (phase_ == DrivePhase::idle) {
    interrupt_ = false;
    error_ = 0;
  }
  start(code, device);
}

std::uint16_t IdeDrive::read_data() {
  if (phase_ != DrivePhase::data_in) return 0;
  std::uint16_t value = buffer_[at_++];
  // The last word of an odd number of bytes has a pad.
  if (at_ < end_) value = static_cast<std::uint16_t>(value | buffer_[at_++] << 8);
  if (at_ == end_) {
    block_taken();
    cable_.drive_changed();
  }
  return value;
}

std::uint32_t IdeDrive::read_data_twice() {
  const std::uint32_t low = read_data();
  return low | std::uint32_t{read_data()} << 16;
}

void IdeDrive::write_data(std::uint16_t value) {
  if (phase_ != DrivePhase::data_out) return;
  buffer_[at_++] = static_cast<std::uint8_t>(value);
  if (at_ < end_) buffer_[at_++] = static_cast<std::uint8_t>(value >> 8);
  if (at_ != end_) return;
  block_given();
  cable_.drive_changed();
}

void IdeDrive::begin_reset() {
  forget();
  phase_ = DrivePhase::resetting;
  status_ = status_busy;
  interrupt_ = interrupt_after_reset_ = false;
  deadline_ = ns_never;
  at_ = end_ = 0;
}

void IdeDrive::end_reset() {
  if (phase_ == DrivePhase::resetting) deadline_ = cable_.now() + command_ns;
}

void IdeDrive::diagnose(bool interrupts) {
  begin_reset();
  interrupt_after_reset_ = interrupts;
  end_reset();
}

void IdeDrive::after_reset() {
  phase_ = DrivePhase::idle;
  deadline_ = ns_never;
  status_ = status_after_reset();
  error_ = 1;  // diagnostics passed
  set_signature();
  interrupt_ = interrupt_after_reset_;
  interrupt_after_reset_ = false;
}

void IdeDrive::go_on() {
  deadline_ = ns_never;
  if (phase_ == DrivePhase::resetting) {
    after_reset();
  } else if (phase_ == DrivePhase::busy) {
    resume();
  }
}

void IdeDrive::begin_dma() {
  phase_ = DrivePhase::dma_moving;
  status_ = status_busy | status_ready | status_seek;
  deadline_ = cable_.now() + dma_ns + dma_bytes() * dma_byte_ns;
}

void IdeDrive::interrupt_dma() { wait_for_dma(); }

bool IdeDrive::move(RegionWalk& walk, MutableBytes scratch) {
  deadline_ = ns_never;
  if (!transfer(walk, scratch)) {
    strand();
    return false;
  }
  transferred();
  return true;
}

void IdeDrive::strand() {
  forget();
  rest();
}

void IdeDrive::busy(std::uint64_t ns) {
  phase_ = DrivePhase::busy;
  status_ = status_busy | status_ready | status_seek;
  at_ = end_ = 0;
  deadline_ = cable_.now() + ns;
}

void IdeDrive::rest() {
  phase_ = DrivePhase::idle;
  status_ = status_ready | status_seek;
  at_ = end_ = 0;
  deadline_ = ns_never;
}

void IdeDrive::finish() {
  rest();
  interrupt_ = true;
}

void IdeDrive::fail(std::uint8_t error) {
  finish();
  status_ |= status_error;
  error_ = error;
}

void IdeDrive::offer(std::size_t bytes) {
  rest();
  phase_ = DrivePhase::data_in;
  status_ |= status_request;
  end_ = static_cast<std::uint32_t>(bytes);
  interrupt_ = true;
}

void IdeDrive::request(std::size_t bytes, bool interrupts) {
  rest();
  phase_ = DrivePhase::data_out;
  status_ |= status_request;
  end_ = static_cast<std::uint32_t>(bytes);
  std::fill_n(buffer_.begin(), end_, std::uint8_t{0});
  interrupt_ = interrupts;
}

void IdeDrive::wait_for_dma() {
  rest();
  phase_ = DrivePhase::dma_waiting;
  status_ |= status_request;
}

void IdeDrive::set_registers(std::uint8_t count, std::uint8_t low, std::uint8_t mid, std::uint8_t high) {
  registers_[2] = count;
  registers_[3] = low;
  registers_[4] = mid;
  registers_[5] = high;
  previous_ = {};
}

void IdeDrive::set_byte_count(std::uint16_t bytes) {
  registers_[4] = static_cast<std::uint8_t>(bytes);
  registers_[5] = static_cast<std::uint8_t>(bytes >> 8);
}

void IdeDrive::set_wide_register(unsigned offset, std::uint16_t value) {
  registers_[offset] = static_cast<std::uint8_t>(value);
  previous_[offset] = static_cast<std::uint8_t>(value >> 8);
}

}  // namespace lockstitch
