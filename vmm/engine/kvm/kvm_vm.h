// A machine of KVM: its memory slots and its processors. All interrupt controllers are our devices, so none is made
// here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "vmm/engine/kvm/kvm_file.h"
#include "vmm/engine/kvm/kvm_vcpu.h"
#include "vmm/engine/kvm/linux_kvm.h"

namespace lockstitch::kvm {

struct MemorySlot {
  std::uint32_t number = 0;
  Gpa base = 0;             ///< a whole page
  std::uint64_t bytes = 0;  ///< whole pages; 0 takes the slot away
  void* memory = nullptr;   ///< the host's, a whole page
  bool read_only = false;
  bool logs_writes = false;
};

class KvmVm {
 public:
  KvmVm(KvmFile file, std::size_t run_bytes) : file_(std::move(file)), run_bytes_(run_bytes) {}

  int capability(int number) const { return file_.capability(number); }
  Outcome enable(std::uint32_t capability, std::uint64_t argument = 0);
  /// Pages that KVM needs for itself on some processors of Intel. Order: before the first vCPU.
  void place_intel_pages(Gpa identity_map, Gpa task_state);
  Outcome set_memory(const MemorySlot& slot);
  /// One bit a page of the slot, of those written since the last call.
  Result<std::vector<std::uint64_t>> take_dirty(const MemorySlot& slot);
  Result<KvmVcpu> make_vcpu(unsigned number);
  /// Accesses to model-specific registers outside these ranges leave as KVM_EXIT_X86_RDMSR and _WRMSR; those of the
  /// x2APIC do so too, because there is none here. Range: each at most 1024 long. Fails: before Linux 5.10.
  struct MsrRange {
    std::uint32_t first = 0, count = 0;
  };
  Outcome pass_only(std::span<const MsrRange> ranges);

 private:
  KvmFile file_;
  std::size_t run_bytes_;
};

}  // namespace lockstitch::kvm
