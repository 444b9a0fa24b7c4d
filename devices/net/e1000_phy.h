// The copper transceiver inside the network card: management registers, and the negotiation after which there is a
// link. The other end of the cable can do everything and never goes away. Not here: MDIC (e1000.cc). Source: IEEE 802.3
// 22.2.4, 40.5; Marvell 88E1011S register set as in 8254x SDM 13.4.7.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

class E1000Phy {
 public:
  static constexpr std::uint64_t negotiation_ns = 500'000'000;
  /// As STATUS.SPEED has it: 0, 1, 2 for 10, 100, 1000 Mb/s.
  struct Mode {
    unsigned speed;
    bool full_duplex;
  };

  /// Power-on: negotiation is over and the link is up.
  void reset();
  /// The reset wire: registers as after power-on, negotiation begins.
  void hardware_reset(VirtualNs now);
  void visit(StateVisitor& visitor);

  std::uint16_t read(unsigned index);
  void write(unsigned index, std::uint16_t value, VirtualNs now);

  bool link() const { return link_; }
  bool loopback() const;
  Mode mode() const;
  /// When negotiation ends; ns_never while there is none.
  VirtualNs deadline() const { return negotiated_ns_; }
  void finish_negotiation();

 private:
  void set_defaults();
  void negotiate(VirtualNs now);
  void set_link(bool up);

  std::array<std::uint16_t, 32> registers_ = power_on();
  bool link_ = true;
  bool link_was_down_ = false;  ///< since the status register was last read
  VirtualNs negotiated_ns_ = ns_never;

  static std::array<std::uint16_t, 32> power_on();
};

}  // namespace lockstitch
