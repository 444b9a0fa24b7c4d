// The sending half of the network card: takes descriptors from the ring, gathers packets, cuts them into segments,
// fills in checksums and tags, and hands frames to the wire. It causes interrupts but does not deliver them. Not here:
// registers as the guest sees them (e1000.cc). Source: 8254x SDM 3.3-3.5.
#pragma once
#include <array>
#include <vector>

#include "devices/net/e1000_delay.h"
#include "devices/net/e1000_registers.h"
#include "lockstitch/device.h"

namespace lockstitch {

class E1000Transmitter {
 public:
  /// Unit: bytes. What is gathered of one packet or segment; the largest frame the card knows is 16110.
  static constexpr std::size_t packet_max_bytes = 16384;
  /// Work of one alarm.
  static constexpr unsigned descriptors_per_run = 64, frames_per_run = 16;
  /// Unit: ns from a doorbell to the first frame; for each descriptor. A frame costs its time on the wire.
  static constexpr std::uint64_t doorbell_ns = 5000, descriptor_ns = 100;
  /// Unit: bytes of preamble, FCS and gap around each frame.
  static constexpr std::uint64_t wire_overhead_bytes = 24;

  E1000Transmitter(E1000Registers& registers, GuestMemory& memory, EffectPort& wire)
      : registers_(registers), memory_(memory), wire_(wire) {}

  /// Forgets everything but the counters.
  void stop();
  void reset();
  void visit(StateVisitor& visitor);

  /// The guest may have given work. `ready`: the card may use memory and has a link.
  void kick(VirtualNs now, bool ready);
  VirtualNs deadline() const { return std::min(run_ns_, delay_.deadline()); }
  /// What is due now. Returns the causes of interrupts. `speed` as in STATUS.
  std::uint32_t alarm(VirtualNs now, bool ready, unsigned speed);
  /// TIDV with its flush bit. Returns causes.
  std::uint32_t flush_delay();

  std::uint64_t sent() const { return sent_; }
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t malformed() const { return malformed_; }

 private:
  enum class Kind : std::uint8_t { none, legacy, data, segmented, bad };
  struct Descriptor {
    std::uint64_t address = 0, rest = 0;
    bool extended() const { return rest >> 29 & 1; }
    unsigned type() const { return rest >> 20 & 15; }
    bool context() const { return extended() && type() == 0; }
    bool end() const { return rest >> 24 & 1; }
    bool report() const { return (rest >> 27 & 3) != 0; }
    bool delayed() const { return rest >> 31 & 1; }
    bool tagged() const { return rest >> 30 & 1; }
    bool segmented() const { return rest >> 26 & 1; }
    std::uint32_t length() const { return static_cast<std::uint32_t>(rest & (extended() ? 0xf'ffff : 0xffff)); }
    std::uint16_t tag() const { return static_cast<std::uint16_t>(rest >> 48); }
    void visit(StateVisitor& v, std::string_view name);
  };

  unsigned ring_entries() const { return (registers_.get(e1000::tdlen) & 0xf'ff80) / e1000::descriptor_bytes; }
  bool pending(bool ready) const;
  std::uint32_t run(VirtualNs now, bool ready, unsigned speed);
  bool fetch();
  /// False: this run may not send more frames; the descriptor is not done.
  bool consume();
  void begin_packet();
  void gather(std::uint32_t bytes);
  void end_packet();
  std::uint32_t complete(VirtualNs now);
  void send(bool last);
  void fix_headers(MutableBytes frame, bool last) const;
  void transmit(MutableBytes frame);

  // The fields of the context the packet began with.
  unsigned header_bytes() const { return context_.rest >> 40 & 0xff; }
  unsigned segment_bytes() const { return context_.tag(); }
  Gpa descriptor_address() const;

  E1000Registers& registers_;
  GuestMemory& memory_;
  EffectPort& wire_;
  std::array<std::uint8_t, packet_max_bytes + 4> frame_;
  unsigned frames_left_ = 0;
  std::uint64_t wire_bytes_ = 0;

  VirtualNs run_ns_ = ns_never;
  VirtualNs wire_free_ns_{0};
  E1000Delay delay_;

  std::array<Descriptor, 2> contexts_;  ///< for packets, for segmentation
  Descriptor current_;
  bool held_ = false;       ///< current_ is the descriptor at the head of the ring
  std::uint32_t used_ = 0;  ///< Unit: bytes of it that are gathered

  Kind kind_ = Kind::none;  ///< none: between packets
  Descriptor context_;      ///< the context this packet began with
  std::uint8_t options_ = 0;
  bool tagged_ = false;
  std::uint16_t tag_ = 0;
  std::vector<std::uint8_t> packet_;  ///< a segmented packet: the header as it came, and one segment
  std::uint64_t payload_sent_ = 0;
  std::uint16_t segments_ = 0;

  std::uint64_t sent_ = 0, dropped_ = 0, malformed_ = 0;
};

}  // namespace lockstitch
