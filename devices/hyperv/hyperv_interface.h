// The hypervisor interface that Windows looks for: the registers behind CPUID leaves 4000_0000h to 4000_0006h. Not
// here: those leaves (vmm/engine/interp/cpuid.h), the way of the registers' accesses (msr_router.h).
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/hyperv/synic.h"
#include "devices/hyperv/synthetic_timer.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   the synthetic MSRs of the Hypervisor Top-Level Functional Specification (4000_0000h-4000_0105h) for one
///           virtual processor: identity, hypercall page, reference counter and page, frequencies, SynIC, four timers,
///           crash report
/// Maturity: complete for what the leaves offer
/// Missing:  hypercalls (each returns "invalid hypercall code"), the APIC's MSRs, events (the page of flags is kept),
///           crash messages; the reference counter does not stop over a reset of the machine
/// Ignored:  pages are written into the guest's RAM instead of laid over it; lazy timers are like others; expiries of a
///           timer that come due at once, or closer than 1 us, are merged; VP_RUNTIME counts waiting as running; writes
///           of the hypercall register once it is locked
/// Arrivals: none
/// Effects:  a crash report, 48 bytes: P0 to P4 and what was written to the crash control, little-endian
/// Alarms:   one: the next expiry of a timer
/// Source:   TLFS 6 (public); reference/platform.md 4.3
class HypervInterface final : public Device, public AlarmHandler {
 public:
  static constexpr unsigned timer_count = 4;

  /// `interrupts` takes messages for the CPU with APIC ID 0.
  HypervInterface(std::string name, GuestMemory& memory, ClockPort& clock, MsiPort& interrupts, EffectPort& crash);
  void attach(AlarmPort& next_expiry) { next_expiry_ = &next_expiry; }

  /// False: the access raises #GP.
  bool read_msr(std::uint32_t index, std::uint64_t& value);
  bool write_msr(std::uint32_t index, std::uint64_t value);
  /// The guest's TSC is virtual time plus this, modulo 2^64. Told when the TSC is written, and in front of each write
  /// of the reference TSC register.
  void set_tsc_offset(std::uint64_t offset);

  /// An interrupt with this vector is to be ended as soon as the CPU has taken it.
  bool is_auto_eoi(std::uint8_t vector) const { return synic_.is_auto_eoi(vector); }
  /// Crash reports since power-on.
  std::uint64_t crashes() const { return crashes_; }

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void alarm() override;

 private:
  /// Unit: 100 ns of virtual time.
  std::uint64_t reference_time() const { return clock_.now().value / 100; }
  bool write_guest_os(std::uint64_t value);
  bool write_hypercall(std::uint64_t value);
  bool write_reference_tsc(std::uint64_t value);
  bool write_assist_page(std::uint64_t value);
  bool publish_reference_tsc();
  void write_timer(unsigned n, bool count, std::uint64_t value);
  /// False: the slot is not free.
  bool post_expiry(unsigned n, std::uint64_t expired_at);
  void deliver_waiting();
  void plan();
  void report_crash(std::uint64_t control);

  std::string name_;
  GuestMemory& memory_;
  ClockPort& clock_;
  MsiPort& interrupts_;
  EffectPort& crash_;
  AlarmPort* next_expiry_ = nullptr;

  std::uint64_t guest_os_ = 0;
  std::uint64_t hypercall_ = 0;
  std::uint64_t reference_tsc_ = 0;
  std::uint32_t tsc_sequence_ = 0;  ///< of the reference page as last written
  std::uint64_t tsc_offset_ = 0;
  std::uint64_t assist_page_ = 0;
  std::array<std::uint64_t, 5> crash_parameters_{};
  std::uint64_t crashes_ = 0;
  hyperv::Synic synic_;
  std::array<hyperv::SyntheticTimer, timer_count> timers_{};
};

}  // namespace lockstitch
