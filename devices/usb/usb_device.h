// A device on the Universal Serial Bus as the port above sees it: tokens in, packets and handshakes out. Not here: the
// host controller (uhci_controller.h) and what a device is for. Source: USB 2.0 chapters 8 and 9.
#pragma once
#include <cstddef>
#include <cstdint>

#include "lockstitch/state.h"
#include "lockstitch/types.h"

namespace lockstitch {

/// What follows a token. silence: nobody answers, which the host takes for an error.
enum class UsbAnswer : std::uint8_t { ack, nak, stall, silence };

/// An answer to IN. Range: length counts with ack only.
struct UsbInput {
  UsbAnswer answer = UsbAnswer::silence;
  std::size_t length = 0;
};

/// What a device can do to the port above it.
class UsbUpstream {
 public:
  virtual ~UsbUpstream() = default;
  /// Remote wakeup; without effect while the bus is not suspended.
  virtual void wake() = 0;
};

/// Its state is visited by the controller that it is plugged into.
class UsbDevice : public Stateful {
 public:
  /// Unit: bytes. The largest packet at full speed.
  static constexpr std::size_t packet_max_bytes = 1023;

  void connect(UsbUpstream& upstream) { upstream_ = &upstream; }

  virtual bool low_speed() const = 0;
  /// Range: 0..127.
  virtual std::uint8_t address() const = 0;
  /// As plugged in.
  virtual void power_on() = 0;
  /// A reset on the bus.
  virtual void reset() = 0;

  // Tokens for this device's address. Range: endpoint 0..15; any sequence is safe.
  virtual UsbAnswer setup(unsigned endpoint, Bytes data) = 0;
  virtual UsbAnswer out(unsigned endpoint, Bytes data) = 0;
  /// Range: `packet` holds packet_max_bytes.
  virtual UsbInput in(unsigned endpoint, MutableBytes packet) = 0;

  /// It has something to say and may wake the bus for it.
  virtual bool wants_wake() const = 0;

 protected:
  void wake() {
    if (upstream_ != nullptr) upstream_->wake();
  }

 private:
  UsbUpstream* upstream_ = nullptr;
};

}  // namespace lockstitch
