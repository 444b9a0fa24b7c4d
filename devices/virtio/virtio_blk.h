// The virtio disk. Requests complete one after the other at virtual times that follow from their sizes alone. Not here:
// where the sectors are kept (lockstitch/block.h).
#pragma once
#include <array>
#include <string_view>
#include <vector>

#include "devices/virtio/virtio_device.h"
#include "lockstitch/block.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   virtio block device (type 2) with SEG_MAX, BLK_SIZE, FLUSH, RO and GET_ID
/// Maturity: complete for one queue
/// Missing:  DISCARD, WRITE_ZEROES, TOPOLOGY, multiqueue
/// Ignored:  the I/O priority of a request
/// Arrivals: none
/// Effects:  none; the disk is machine state
/// Alarms:   one: the first request is complete. All that a request does to the disk and to guest memory happens then,
///           the gathering of the data of a write included: until then its buffers are the device's, as virtio has it.
/// Source:   virtio 1.2 5.2
class VirtioBlk final : public VirtioDevice, public AlarmHandler {
 public:
  // Unit: ns. A request takes a fixed time that overlaps with others', then passes a channel of 1 byte/ns in order.
  static constexpr std::uint64_t request_ns = 20'000, flush_ns = 50'000, byte_ns = 1;
  static constexpr std::size_t serial_bytes = 20;

  /// `serial`: up to 20 characters count.
  VirtioBlk(BlockPort& disk, ClockPort& clock, std::string_view serial);
  /// Called once, before anything else.
  void attach(AlarmPort& completion) { completion_ = &completion; }

  unsigned type() const override { return 2; }
  std::uint64_t features() const override;
  unsigned queues() const override { return 1; }
  std::uint8_t config(unsigned offset) const override;
  void notified(unsigned queue) override;
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void alarm() override;

 private:
  struct Request {
    std::uint16_t head = 0;
    std::uint32_t kind = 0;
    std::uint64_t sector = 0;
    std::uint64_t bytes = 0;  ///< of data, without header and status
    VirtualNs complete_at{};
  };

  void accept();
  void complete_due();
  void arm();
  bool in_range(const Request& request) const;
  bool execute(const Request& request);
  bool transfer(const Request& request);

  BlockPort& disk_;
  ClockPort& clock_;
  AlarmPort* completion_ = nullptr;
  std::array<std::uint8_t, serial_bytes> serial_{};
  DescriptorChain chain_;
  std::vector<std::uint8_t> buffer_;

  std::vector<Request> requests_;  ///< in order of completion
};

}  // namespace lockstitch
