// See control_pipe.h.
#include "devices/usb/control_pipe.h"

#include <algorithm>

namespace lockstitch {
namespace {
constexpr std::uint8_t to_host = 0x80;
}

void ControlPipe::reset() {
  setup_.fill(0);
  stage_ = Stage::idle;
  reply_.clear();
  sent_ = 0;
}

void ControlPipe::visit(StateVisitor& v) {
  v.field("setup", setup_);
  v.field("stage", stage_);
  v.blob("reply", reply_, reply_limit);
  v.field("sent", sent_);
  if (!v.loading()) return;
  if (stage_ > Stage::refused || sent_ > reply_.size()) {
    v.fail("USB control pipe: impossible stage");
    reset();
  }
}

UsbRequest ControlPipe::request() const {
  const auto word = [this](std::size_t at) { return static_cast<std::uint16_t>(setup_[at] | setup_[at + 1] << 8); };
  return {setup_[0], setup_[1], word(2), word(4), word(6)};
}

/// A device must take every SETUP, whatever went on before.
UsbAnswer ControlPipe::setup(Bytes data) {
  if (data.size() != setup_bytes) return UsbAnswer::silence;
  std::copy(data.begin(), data.end(), setup_.begin());
  reply_.clear();
  sent_ = 0;
  const UsbRequest asked = request();
  const bool reads = asked.length != 0 && (asked.type & to_host);
  if ((asked.length != 0 && !reads) || !handler_.accept(asked, reply_)) {
    reply_.clear();
    stage_ = Stage::refused;
    return UsbAnswer::ack;
  }
  if (!reads) reply_.clear();
  if (reply_.size() > asked.length) reply_.resize(asked.length);
  stage_ = reads ? Stage::reply : Stage::status;
  return UsbAnswer::ack;
}

UsbAnswer ControlPipe::out(Bytes data) {
  // The host may end the data stage early.
  if (stage_ == Stage::reply && data.empty()) stage_ = Stage::idle;
  if (stage_ == Stage::idle && data.empty()) return UsbAnswer::ack;
  stage_ = Stage::refused;
  return UsbAnswer::stall;
}

UsbInput ControlPipe::in(MutableBytes packet) {
  switch (stage_) {
    case Stage::reply: {
      const std::size_t count = std::min(packet_bytes, reply_.size() - sent_);
      std::copy_n(reply_.begin() + sent_, count, packet.begin());
      sent_ = static_cast<std::uint16_t>(sent_ + count);
      return {UsbAnswer::ack, count};
    }
    case Stage::status:
      stage_ = Stage::idle;
      handler_.carry_out(request());
      return {UsbAnswer::ack, 0};
    case Stage::idle:
    case Stage::refused:
      break;
  }
  stage_ = Stage::refused;
  return {UsbAnswer::stall, 0};
}

}  // namespace lockstitch
