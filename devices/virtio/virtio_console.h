// The virtio console with one port: bytes in, bytes out. Not here: a terminal.
#pragma once
#include <vector>

#include "devices/virtio/virtio_device.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   virtio console device (type 3), one port
/// Maturity: complete without options
/// Missing:  SIZE, MULTIPORT, EMERG_WRITE
/// Ignored:  bytes of one transmitted chain above 64 KiB (counted)
/// Arrivals: bytes for the guest; kept up to 64 KiB until it offers buffers, also before its driver runs
/// Effects:  the bytes of each transmitted chain
/// Alarms:   none; requests complete at their notification
/// Source:   virtio 1.2 5.3
class VirtioConsole final : public VirtioDevice, public ArrivalHandler {
 public:
  explicit VirtioConsole(EffectPort& output);

  unsigned type() const override { return 3; }
  std::uint64_t features() const override { return 0; }
  unsigned queues() const override { return 2; }
  std::uint8_t config(unsigned) const override { return 0; }
  void notified(unsigned queue) override;
  void reset() override {}
  void power_on() override;
  void visit(StateVisitor& visitor) override;
  void arrive(Bytes payload) override;

  std::uint64_t dropped_input_bytes() const { return dropped_input_bytes_; }
  std::uint64_t dropped_output_bytes() const { return dropped_output_bytes_; }

 private:
  static constexpr unsigned receive_queue = 0, transmit_queue = 1;
  /// Unit: bytes. One arrival of the largest size fits; a person does not type ahead further.
  static constexpr std::size_t input_max_bytes = 65'536;
  /// Unit: bytes. One effect (limits::message_max_bytes), and the work of one chain.
  static constexpr std::size_t output_max_bytes = 65'536;

  void receive();
  void transmit();

  EffectPort& output_;
  DescriptorChain chain_;
  std::vector<std::uint8_t> buffer_;

  std::vector<std::uint8_t> input_;
  std::uint64_t dropped_input_bytes_ = 0;
  std::uint64_t dropped_output_bytes_ = 0;
};

}  // namespace lockstitch
