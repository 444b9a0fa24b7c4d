// Endpoint 0 of a USB device: the stages of a control transfer. Not here: what the requests mean (its owner).
// Source: USB 2.0 8.5.3 and 9.3.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "devices/usb/usb_device.h"

namespace lockstitch {

struct UsbRequest {
  std::uint8_t type = 0;  ///< direction << 7 | kind << 5 | recipient
  std::uint8_t code = 0;
  std::uint16_t value = 0, index = 0, length = 0;
};

class UsbRequestHandler {
 public:
  virtual ~UsbRequestHandler() = default;
  /// Fills the reply of a request that asks for data, changes nothing. False: the request is answered with STALL.
  virtual bool accept(const UsbRequest& request, std::vector<std::uint8_t>& reply) const = 0;
  /// The transfer of a request that brings no data has ended well: now it counts.
  virtual void carry_out(const UsbRequest& request) = 0;
};

/// Missing: requests that bring data; they are answered with STALL.
class ControlPipe {
 public:
  /// Unit: bytes.
  static constexpr std::size_t packet_bytes = 8, setup_bytes = 8, reply_limit = 256;

  explicit ControlPipe(UsbRequestHandler& handler) : handler_(handler) {}

  void reset();
  void visit(StateVisitor& v);

  UsbAnswer setup(Bytes data);
  UsbAnswer out(Bytes data);
  UsbInput in(MutableBytes packet);

 private:
  //          ┌── data asked for ──► reply ── OUT ──────────┐
  //   SETUP ─┼── no data ──► status ── IN, carried out ────┼──► idle
  //          └── not understood ──► refused (until SETUP)
  enum class Stage : std::uint8_t { idle, reply, status, refused };

  UsbRequest request() const;

  UsbRequestHandler& handler_;
  std::array<std::uint8_t, setup_bytes> setup_{};
  Stage stage_ = Stage::idle;
  std::vector<std::uint8_t> reply_;
  std::uint16_t sent_ = 0;  ///< bytes of the reply
};

}  // namespace lockstitch
