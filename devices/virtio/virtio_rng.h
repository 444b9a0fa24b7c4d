// The virtio entropy device. Not here: entropy; its bytes are a function of the seed (law 1).
#pragma once
#include "devices/virtio/chacha_random.h"
#include "devices/virtio/virtio_device.h"

namespace lockstitch {

/// Models:   virtio entropy device (type 4)
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  the part of a buffer above 4 KiB (it is returned short)
/// Arrivals: none
/// Effects:  none
/// Alarms:   none; a request completes at its notification
/// Source:   virtio 1.2 5.4. A reset does not rewind the generator: a guest that restarts must not draw the same keys.
class VirtioRng final : public VirtioDevice {
 public:
  explicit VirtioRng(const ChachaRandom::Seed& seed) : random_(seed) {}

  unsigned type() const override { return 4; }
  std::uint64_t features() const override { return 0; }
  unsigned queues() const override { return 1; }
  std::uint8_t config(unsigned) const override { return 0; }
  void notified(unsigned queue) override;
  void reset() override {}
  void visit(StateVisitor& visitor) override { random_.visit(visitor); }

 private:
  /// Unit: bytes. Bounds the work of one request; Linux asks for at most a cache line or a page.
  static constexpr std::size_t request_max_bytes = 4096;

  DescriptorChain chain_;
  std::array<std::uint8_t, request_max_bytes> buffer_;

  ChachaRandom random_;
};

}  // namespace lockstitch
