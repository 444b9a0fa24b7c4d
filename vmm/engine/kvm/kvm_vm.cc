// See kvm_vm.h.
#include "vmm/engine/kvm/kvm_vm.h"

#include "lockstitch/limits.h"

namespace lockstitch::kvm {

Outcome KvmVm::enable(std::uint32_t capability, std::uint64_t argument) {
  kvm_enable_cap request{};
  request.cap = capability;
  request.args[0] = argument;
  return file_.tell(KVM_ENABLE_CAP, &request, "KVM_ENABLE_CAP");
}

Outcome KvmVm::set_memory(const MemorySlot& slot) {
  kvm_userspace_memory_region region{};
  region.slot = slot.number;
  region.flags =
      (slot.read_only ? unsigned{KVM_MEM_READONLY} : 0) | (slot.logs_writes ? unsigned{KVM_MEM_LOG_DIRTY_PAGES} : 0);
  region.guest_phys_addr = slot.base;
  region.memory_size = slot.bytes;
  region.userspace_addr = reinterpret_cast<std::uintptr_t>(slot.memory);
  return file_.tell(KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

Result<std::vector<std::uint64_t>> KvmVm::take_dirty(const MemorySlot& slot) {
  std::vector<std::uint64_t> bits((slot.bytes / page_bytes + 63) / 64);
  kvm_dirty_log log{};
  log.slot = slot.number;
  log.dirty_bitmap = bits.data();
  if (file_.ask(KVM_GET_DIRTY_LOG, &log) < 0) return refused("KVM_GET_DIRTY_LOG");
  return bits;
}

Result<KvmVcpu> KvmVm::make_vcpu(unsigned number) {
  KvmFile file(file_.ask(KVM_CREATE_VCPU, number));
  if (!file) return refused("KVM_CREATE_VCPU");
  return KvmVcpu::map(std::move(file), run_bytes_);
}

}  // namespace lockstitch::kvm
