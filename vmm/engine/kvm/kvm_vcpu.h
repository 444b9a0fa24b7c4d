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
  Outcome set_cpuid(std::span<const kvm_cpuid_entry2> entries);
  /// `control`: KVM_GUESTDBG_...; `registers`: DR0 to DR7, for hardware breakpoints.
  Outcome set_debug(std::uint32_t control, std::span<const std::uint64_t> registers = {});
  /// Unit: cycles, added to the host's counter. Fails: not on this host.
  Outcome set_tsc_offset(std::uint64_t offset);

 private:
  KvmVcpu(KvmFile file, kvm_run* area, std::size_t bytes) : file_(std::move(file)), area_(area), bytes_(bytes) {}

  KvmFile file_;
  kvm_run* area_;
  std::size_t bytes_;
};

}  // namespace lockstitch::kvm
