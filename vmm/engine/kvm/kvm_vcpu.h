// A processor of KVM: its registers and its run area. What an exit means is exit.h's business.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/engine/kvm/kvm_file.h"
#include "vmm/engine/kvm/linux_kvm.h"

namespace lockstitch::kvm {

class KvmVcpu {
 public:
  /// Maps the run area. Fails: no memory.
  static Result<KvmVcpu> map(KvmFile file, std::size_t run_bytes);
  KvmVcpu(KvmVcpu&& other) noexcept;
  KvmVcpu& operator=(KvmVcpu&&) = delete;
  ~KvmVcpu();

  /// Shared with the kernel; what it holds is of the last run.
  kvm_run& area() { return *area_; }

  /// Until the next exit, which is in area(); a signal ends it as KVM_EXIT_INTR. Fails: KVM cannot run this state.
  Outcome run();

  Result<kvm_regs> registers() const;
  Outcome set_registers(const kvm_regs& registers);
  Result<kvm_sregs> special_registers() const;
  Outcome set_special_registers(const kvm_sregs& registers);
  Outcome set_msr(std::uint32_t index, std::uint64_t value);
  Result<std::uint64_t> msr(std::uint32_t index) const;
  /// All or those up to the first that KVM refuses. Returns how many.
  int set_msrs(std::span<const kvm_msr_entry> entries);
  /// Fills in the values of the given indices. Returns how many, from the first.
  int read_msrs(std::span<kvm_msr_entry> entries) const;
  Result<kvm_vcpu_events> events() const;
  Outcome set_events(const kvm_vcpu_events& events);
  Result<kvm_debugregs> debug_registers() const;
  Outcome set_debug_registers(const kvm_debugregs& registers);
  /// x87, MMX and SSE in the format of XSAVE (SDM 1 13.4).
  Outcome read_xsave(kvm_xsave& to) const;
  Outcome set_xsave(const kvm_xsave& from);
  Outcome set_cpuid(std::span<const kvm_cpuid_entry2> entries);
  /// `control`: KVM_GUESTDBG_...; `registers`: DR0 to DR7, for hardware breakpoints.
  Outcome set_debug(std::uint32_t control, std::span<const std::uint64_t> registers = {});
  /// Unit: cycles, added to the host's counter. Fails: not on this host.
  Outcome set_tsc_offset(std::uint64_t offset);
  /// Fails: the processor cannot change the counter's rate.
  Outcome set_tsc_khz(std::uint32_t khz);
  /// 0: KVM does not tell.
  std::uint32_t tsc_khz() const;

 private:
  KvmVcpu(KvmFile file, kvm_run* area, std::size_t bytes) : file_(std::move(file)), area_(area), bytes_(bytes) {}

  KvmFile file_;
  kvm_run* area_;
  std::size_t bytes_;
};

}  // namespace lockstitch::kvm
