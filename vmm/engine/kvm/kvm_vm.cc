// See kvm_vm.h.
#include "vmm/engine/kvm/kvm_vm.h"

#include <array>

#include "lockstitch/assert.h"
#include "lockstitch/limits.h"

namespace lockstitch::kvm {

Outcome KvmVm::enable(std::uint32_t capability, std::uint64_t argument) {
  kvm_enable_cap request{};
  request.cap = capability;
  request.args[0] = argument;
  return file_.tell(KVM_ENABLE_CAP, &request, "KVM_ENABLE_CAP");
}

void KvmVm::place_intel_pages(Gpa identity_map, Gpa task_state) {
  file_.ask(KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
  file_.ask(KVM_SET_TSS_ADDR, std::uintptr_t{task_state});
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

Outcome KvmVm::pass_only(std::span<const MsrRange> ranges) {
  const Outcome leaves = enable(KVM_CAP_X86_USER_SPACE_MSR,
                                KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER);
  if (!leaves) return leaves;
  constexpr std::uint32_t longest = 1024;
  std::vector<std::array<std::uint8_t, longest / 8>> bits(ranges.size());
  kvm_msr_filter filter{};
  filter.flags = KVM_MSR_FILTER_DEFAULT_DENY;
  LS_ASSERT_CMP(ranges.size(), <=, std::size(filter.ranges));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    bits[i].fill(0xff);
    filter.ranges[i].flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
    filter.ranges[i].base = ranges[i].first;
    filter.ranges[i].nmsrs = ranges[i].count;
    filter.ranges[i].bitmap = bits[i].data();
  }
  return file_.tell(KVM_X86_SET_MSR_FILTER, &filter, "KVM_X86_SET_MSR_FILTER");
}

Result<KvmVcpu> KvmVm::make_vcpu(unsigned number) {
  KvmFile file(file_.ask(KVM_CREATE_VCPU, number));
  if (!file) return refused("KVM_CREATE_VCPU");
  return KvmVcpu::map(std::move(file), run_bytes_);
}

}  // namespace lockstitch::kvm
