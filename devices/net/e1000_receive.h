// The receiving half of the network card: address filters, the frames that wait for buffers, and their way into the
// ring. It causes interrupts but does not deliver them. Not here: registers as the guest sees them (e1000.cc).
// Source: 8254x SDM 3.2, 13.4.22-13.4.30, 13.5.
#pragma once
#include <array>
#include <deque>
#include <vector>

#include "devices/net/e1000_delay.h"
#include "devices/net/e1000_registers.h"
#include "lockstitch/device.h"

namespace lockstitch {

class E1000Receiver {
 public:
  /// Unit: frames. About 3 ms of a gigabit wire.
  static constexpr std::size_t waiting_max_frames = 256;
  /// One frame fills at most six buffers; more descriptors than this without buffers are a broken ring.
  static constexpr unsigned descriptors_per_frame = 64;

  E1000Receiver(E1000Registers& registers, GuestMemory& memory) : registers_(registers), memory_(memory) {}

  /// Forgets the frames that wait, which are counted as dropped, and the delayed interrupt.
  void stop();
  void reset();
  void visit(StateVisitor& visitor);

  /// A frame at the end of the wire. `ready`: the card may use memory and has a link. Returns causes, as the next two.
  std::uint32_t arrive(Bytes frame, VirtualNs now, bool ready);
  /// The guest may have given buffers.
  std::uint32_t refill(VirtualNs now, bool ready);
  std::uint32_t alarm(VirtualNs now) { return delay_.expire(now) ? e1000::cause_rxt0 : 0; }
  VirtualNs deadline() const { return delay_.deadline(); }
  /// RDTR with its flush bit.
  std::uint32_t flush_delay();

  std::uint64_t received() const { return received_; }
  /// Frames that were for this card but could not be taken.
  std::uint64_t dropped() const { return dropped_; }
  /// Frames that were not for this card.
  std::uint64_t filtered() const { return filtered_; }

 private:
  enum class Delivery : std::uint8_t { done, dropped, no_buffer };

  unsigned ring_entries() const { return (registers_.get(e1000::rdlen) & 0xf'ff80) / e1000::descriptor_bytes; }
  unsigned available() const;
  std::size_t buffer_bytes() const;
  bool accepts(Bytes frame) const;
  bool accepts_address(Bytes address) const;
  Delivery deliver(Bytes frame, VirtualNs now, std::uint32_t& causes);
  void count(Bytes frame, std::size_t bytes);

  E1000Registers& registers_;
  GuestMemory& memory_;
  std::array<std::uint8_t, e1000::frame_max_bytes + e1000::fcs_bytes> buffer_;

  std::deque<std::vector<std::uint8_t>> waiting_;
  E1000Delay delay_;
  std::uint64_t received_ = 0, dropped_ = 0, filtered_ = 0;
};

}  // namespace lockstitch
