// The virtio network card: one pair of queues, Ethernet frames in and out. Not here: what lies beyond the wire.
#pragma once
#include <array>
#include <deque>
#include <vector>

#include "devices/virtio/virtio_device.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   virtio network device (type 1) with MAC, STATUS and MRG_RXBUF; the link is always up
/// Maturity: complete without offloads
/// Missing:  control queue, multiqueue, checksum and segmentation offload
/// Ignored:  the contents of the header of a transmitted frame
/// Arrivals: one Ethernet frame each, without FCS; kept up to 256 frames until the guest offers buffers, dropped and
///           counted past that, when no driver runs, or when shorter than 14 or longer than 1518 bytes
/// Effects:  one Ethernet frame each, 14 to 1518 bytes; others are dropped and counted
/// Alarms:   none; requests complete at their notification
/// Source:   virtio 1.2 5.1
class VirtioNet final : public VirtioDevice, public ArrivalHandler {
 public:
  using Mac = std::array<std::uint8_t, 6>;
  /// Unit: bytes. An Ethernet header; with VLAN tag and 1500 bytes of payload.
  static constexpr std::size_t frame_min_bytes = 14, frame_max_bytes = 1518;
  /// Unit: frames. About 3 ms of a gigabit wire.
  static constexpr std::size_t waiting_max_frames = 256;

  VirtioNet(const Mac& mac, EffectPort& wire) : mac_(mac), wire_(wire) {}

  unsigned type() const override { return 1; }
  std::uint64_t features() const override;
  unsigned queues() const override { return 2; }
  std::uint8_t config(unsigned offset) const override;
  void notified(unsigned queue) override;
  void reset() override { waiting_.clear(); }
  void power_on() override;
  void visit(StateVisitor& visitor) override;
  void arrive(Bytes frame) override;

  std::uint64_t dropped_received() const { return dropped_received_; }
  std::uint64_t dropped_transmitted() const { return dropped_transmitted_; }

 private:
  enum class Delivery : std::uint8_t { done, dropped, no_buffer };

  static constexpr unsigned receive_queue = 0, transmit_queue = 1;
  static constexpr std::size_t header_bytes = 12;

  Delivery deliver(Bytes frame);
  void receive_waiting();
  void transmit();

  Mac mac_;
  EffectPort& wire_;
  DescriptorChain chain_;
  std::array<std::uint8_t, header_bytes + frame_max_bytes> buffer_;

  std::deque<std::vector<std::uint8_t>> waiting_;
  std::uint64_t dropped_received_ = 0;
  std::uint64_t dropped_transmitted_ = 0;
};

}  // namespace lockstitch
