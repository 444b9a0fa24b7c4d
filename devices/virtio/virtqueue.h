// One split virtqueue as the device sees it: finds chains in guest memory, checks everything the guest wrote, and puts
// used ones back. Not here: when (the devices) and how the driver is told (virtio_pci.h). Source: virtio 1.2 2.7.
#pragma once
#include <cstdint>

#include "devices/virtio/descriptor_chain.h"
#include "lockstitch/state.h"

namespace lockstitch {

class Virtqueue {
 public:
  explicit Virtqueue(GuestMemory& memory) : memory_(memory) {}

  enum class Found : std::uint8_t { nothing, chain, broken };

  // What the driver configures; the transport writes these while the queue is not enabled.
  Gpa descriptors = 0, available = 0, used = 0;

  std::uint16_t size() const { return size_; }
  /// Fails: keeps the old size unless the new one is a power of two up to limits::virtqueue_max_entries.
  void set_size(std::uint16_t size);
  bool enabled() const { return enabled_; }
  /// Fails: false if an area is misaligned or wraps around; the queue then stays disabled.
  bool enable();

  /// The next available chain.
  Found take(DescriptorChain& chain, bool indirect_allowed);
  /// Makes the last `count` chains taken available again.
  void give_back(unsigned count) { next_available_ = static_cast<std::uint16_t>(next_available_ - count); }
  /// A chain that was taken earlier, checked afresh. Fails: false if it is broken.
  bool walk(std::uint16_t head, DescriptorChain& chain, bool indirect_allowed);
  /// Fails: false if the used ring is not RAM.
  bool put_used(std::uint16_t head, std::uint32_t written);
  /// The driver has not asked to be left alone.
  bool wants_interrupt();

  void reset();
  void visit(StateVisitor& visitor);

 private:
  bool read16(Gpa gpa, std::uint16_t& value);

  GuestMemory& memory_;
  std::uint16_t size_ = limits::virtqueue_max_entries;
  bool enabled_ = false;
  std::uint16_t next_available_ = 0;
  std::uint16_t next_used_ = 0;
};

}  // namespace lockstitch
