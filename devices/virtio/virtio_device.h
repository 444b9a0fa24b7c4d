// The two sides of a virtio device: what every device type offers its transport, and what a transport offers it. Not
// here: any device type, any bus. Source: virtio 1.2 chapter 2.
#pragma once
#include <cstdint>

#include "devices/virtio/descriptor_chain.h"
#include "lockstitch/state.h"

namespace lockstitch {

/// What a device may do. Whatever the guest got wrong is noticed here: the device is marked DEVICE_NEEDS_RESET, the
/// call returns false, and the device just returns.
class VirtioTransport {
 public:
  virtual ~VirtioTransport() = default;
  virtual bool negotiated(unsigned feature) const = 0;
  /// DRIVER_OK is set, bus mastering is on and nothing is broken.
  virtual bool running() const = 0;
  virtual unsigned queue_size(unsigned queue) const = 0;

  /// The next available chain of a queue; false also if there is none or the device may not run.
  virtual bool take(unsigned queue, DescriptorChain& chain) = 0;
  /// Makes the last `count` chains taken available again.
  virtual void give_back(unsigned queue, unsigned count) = 0;
  /// A chain taken earlier, by its head.
  virtual bool walk(unsigned queue, std::uint16_t head, DescriptorChain& chain) = 0;
  virtual bool read(const DescriptorChain& chain, std::uint64_t offset, MutableBytes out) = 0;
  virtual bool write(const DescriptorChain& chain, std::uint64_t offset, Bytes in) = 0;
  /// Returns a chain to the driver. Unit: `written` bytes.
  virtual bool complete(unsigned queue, std::uint16_t head, std::uint64_t written) = 0;
  /// Tells the driver of completed chains, unless it does not want to hear.
  virtual void interrupt(unsigned queue) = 0;

  /// The device's configuration changed.
  virtual void config_changed() = 0;
  /// The driver asked for something without a defined answer.
  virtual void broken() = 0;
};

/// A device type. Its name, reset and place among the devices of the board are those of its transport.
class VirtioDevice {
 public:
  virtual ~VirtioDevice() = default;
  /// Called once by the transport's constructor.
  void connect(VirtioTransport& transport) { transport_ = &transport; }

  /// Range: device type of virtio 1.2 chapter 5.
  virtual unsigned type() const = 0;
  /// Feature bits of the type; the transport adds those of the ring.
  virtual std::uint64_t features() const = 0;
  virtual unsigned queues() const = 0;
  /// One byte of the device configuration; 0 beyond its end.
  virtual std::uint8_t config(unsigned offset) const = 0;

  /// The driver offers buffers, or the device may run (again).
  virtual void notified(unsigned queue) = 0;
  /// The driver reset the device.
  virtual void reset() = 0;
  /// The machine was reset. Idempotent.
  virtual void power_on() { reset(); }

  virtual void visit(StateVisitor& visitor) = 0;

 protected:
  VirtioTransport& transport() const { return *transport_; }

 private:
  VirtioTransport* transport_ = nullptr;
};

}  // namespace lockstitch
