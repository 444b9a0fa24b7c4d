// The synthetic interrupt controller of the hypervisor interface: sixteen sources, the page of message slots and the
// page of event flags. Not here: who sends messages (hyperv_interface.h), ending interrupts by itself (msr_router.h).
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/device.h"
#include "lockstitch/guest_memory.h"

namespace lockstitch::hyperv {

/// Part of HypervInterface, whose doc-block covers it. Events are never signalled: their page is only kept.
class Synic {
 public:
  static constexpr unsigned source_count = 16;

  Synic(GuestMemory& memory, MsiPort& interrupts) : memory_(memory), interrupts_(interrupts) {}

  void reset();
  void visit(StateVisitor& visitor);

  /// MSRs 4000_0080h-84h and 90h-9Fh.
  static bool has_msr(std::uint32_t index);
  /// False: #GP.
  bool read_msr(std::uint32_t index, std::uint64_t& value) const;
  bool write_msr(std::uint32_t index, std::uint64_t value);

  /// Puts a message into the source's slot and raises its interrupt. False: the slot is occupied (it is then marked, so
  /// that the guest writes EOM) or there are no slots.
  bool post(unsigned source, std::uint32_t type, Bytes payload);

  /// A source with this vector wants its interrupt ended as soon as it is taken.
  bool is_auto_eoi(std::uint8_t vector) const;

 private:
  bool write_page_register(std::uint64_t& page_register, std::uint64_t value);

  GuestMemory& memory_;
  MsiPort& interrupts_;

  std::uint64_t control_ = 0;       ///< SCONTROL
  std::uint64_t event_page_ = 0;    ///< SIEFP
  std::uint64_t message_page_ = 0;  ///< SIMP
  std::array<std::uint64_t, source_count> sources_{};
};

}  // namespace lockstitch::hyperv
