// The guest's registers, wherever they are at the moment: KVM's while it has run since, ours when something of them was
// changed. Each part is fetched when it is first asked for and stored before the next run. Registers that processors do
// not have themselves (MSRs of the model) are always ours.
#pragma once
#include <cstdint>
#include <optional>

#include "vmm/engine/kvm/kvm_vcpu.h"
#include "vmm/engine/kvm/state_transfer.h"

namespace lockstitch::kvm {

/// An exception that KVM was about to deliver.
struct WaitingException {
  std::uint8_t vector = 0;
  std::optional<std::uint32_t> code;
};

class RegisterFile {
 public:
  /// `shares`: KVM_CAP_SYNC_REGS offers the general and special registers and the events. `steps`: instructions that
  /// write MSRs or debug registers are never KVM's, and it is told of registers before it runs, not as it does.
  RegisterFile(KvmVcpu& vcpu, bool shares, bool steps);

  /// KVM has run.
  void ran();
  /// General and special registers, activity, what blocks interrupts; other fields are older.
  const CpuState& general();
  const CpuState& all();
  void set(const CpuState& cpu);
  /// Only what general() tells is set; for a KVM that may have lost everything but x87 and SSE. Order: if it `steps`.
  void rewind(const CpuState& cpu);
  /// Not KVM's business.
  void set_activity(Activity activity) { cpu_.activity = activity; }
  Activity activity() const { return cpu_.activity; }
  std::uint64_t tsc_offset() const { return cpu_.tsc_offset; }

  /// Before KVM runs. An interrupt table without entries keeps every exception inside the instruction: the CPU shuts
  /// down instead of delivering it.
  void store(bool empty_interrupt_table = false);
  /// Taken away from KVM. Order: after general().
  std::optional<WaitingException> take_exception();

 private:
  enum Part : unsigned { general_part = 1, float_part = 2, msr_part = 4, debug_part = 8, all_parts = 15 };

  void fetch(unsigned parts);

  KvmVcpu& vcpu_;
  const bool shares_, steps_;
  CpuState cpu_;
  unsigned fresh_ = all_parts;    ///< cpu_ has them as they are
  unsigned changed_ = all_parts;  ///< KVM has them otherwise
  bool empty_table_ = false;      ///< KVM's interrupt table is not the guest's
  std::optional<WaitingException> exception_;
};

}  // namespace lockstitch::kvm
