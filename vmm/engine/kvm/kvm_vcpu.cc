// See kvm_vcpu.h.
#include "vmm/engine/kvm/kvm_vcpu.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace lockstitch::kvm {

Result<KvmVcpu> KvmVcpu::map(KvmFile file, std::size_t run_bytes) {
  void* area = ::mmap(nullptr, run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
  if (area == MAP_FAILED) return refused("the mapping of a processor's run area");
  return KvmVcpu(std::move(file), static_cast<kvm_run*>(area), run_bytes);
}

KvmVcpu::KvmVcpu(KvmVcpu&& other) noexcept
    : file_(std::move(other.file_)), area_(std::exchange(other.area_, nullptr)), bytes_(other.bytes_) {}

KvmVcpu::~KvmVcpu() {
  if (area_ != nullptr) ::munmap(area_, bytes_);
}

Outcome KvmVcpu::run() {
  if (file_.ask(KVM_RUN) >= 0) return success();
  if (errno != EINTR && errno != EAGAIN) return refused("KVM_RUN");
  area_->exit_reason = KVM_EXIT_INTR;
  return success();
}

Result<kvm_regs> KvmVcpu::registers() const {
  kvm_regs registers{};
  if (file_.ask(KVM_GET_REGS, &registers) < 0) return refused("KVM_GET_REGS");
  return registers;
}

Outcome KvmVcpu::set_registers(const kvm_regs& registers) {
  return file_.tell(KVM_SET_REGS, &registers, "KVM_SET_REGS");
}

Result<kvm_sregs> KvmVcpu::special_registers() const {
  kvm_sregs registers{};
  if (file_.ask(KVM_GET_SREGS, &registers) < 0) return refused("KVM_GET_SREGS");
  return registers;
}

Outcome KvmVcpu::set_special_registers(const kvm_sregs& registers) {
  return file_.tell(KVM_SET_SREGS, &registers, "KVM_SET_SREGS");
}

Outcome KvmVcpu::set_msr(std::uint32_t index, std::uint64_t value) {
  std::array<std::uint64_t, (sizeof(kvm_msrs) + sizeof(kvm_msr_entry)) / 8> room{};
  auto* list = reinterpret_cast<kvm_msrs*>(room.data());
  list->nmsrs = 1;
  auto* entry = reinterpret_cast<kvm_msr_entry*>(list + 1);
  entry->index = index;
  entry->data = value;
  if (file_.ask(KVM_SET_MSRS, list) != 1) return refused("KVM_SET_MSRS");
  return success();
}

int KvmVcpu::set_msrs(std::span<const kvm_msr_entry> entries) {
  std::vector<std::uint64_t> room((sizeof(kvm_msrs) + entries.size_bytes()) / 8);
  auto* list = reinterpret_cast<kvm_msrs*>(room.data());
  list->nmsrs = static_cast<std::uint32_t>(entries.size());
  std::copy(entries.begin(), entries.end(), reinterpret_cast<kvm_msr_entry*>(list + 1));
  return std::max(file_.ask(KVM_SET_MSRS, list), 0);
}

int KvmVcpu::read_msrs(std::span<kvm_msr_entry> entries) const {
  std::vector<std::uint64_t> room((sizeof(kvm_msrs) + entries.size_bytes()) / 8);
  auto* list = reinterpret_cast<kvm_msrs*>(room.data());
  list->nmsrs = static_cast<std::uint32_t>(entries.size());
  auto* first = reinterpret_cast<kvm_msr_entry*>(list + 1);
  std::copy(entries.begin(), entries.end(), first);
  const int read = std::max(file_.ask(KVM_GET_MSRS, list), 0);
  std::copy(first, first + read, entries.begin());
  return read;
}

Result<std::uint64_t> KvmVcpu::msr(std::uint32_t index) const {
  kvm_msr_entry entry{};
  entry.index = index;
  if (read_msrs(std::span(&entry, 1)) != 1) return refused("KVM_GET_MSRS");
  return std::uint64_t{entry.data};
}

Result<kvm_vcpu_events> KvmVcpu::events() const {
  kvm_vcpu_events events{};
  if (file_.ask(KVM_GET_VCPU_EVENTS, &events) < 0) return refused("KVM_GET_VCPU_EVENTS");
  return events;
}

Outcome KvmVcpu::set_events(const kvm_vcpu_events& events) {
  return file_.tell(KVM_SET_VCPU_EVENTS, &events, "KVM_SET_VCPU_EVENTS");
}

Result<kvm_debugregs> KvmVcpu::debug_registers() const {
  kvm_debugregs registers{};
  if (file_.ask(KVM_GET_DEBUGREGS, &registers) < 0) return refused("KVM_GET_DEBUGREGS");
  return registers;
}

Outcome KvmVcpu::set_debug_registers(const kvm_debugregs& registers) {
  return file_.tell(KVM_SET_DEBUGREGS, &registers, "KVM_SET_DEBUGREGS");
}

Outcome KvmVcpu::read_xsave(kvm_xsave& to) const {
  if (file_.ask(KVM_GET_XSAVE, &to) < 0) return refused("KVM_GET_XSAVE");
  return success();
}

Outcome KvmVcpu::set_xsave(const kvm_xsave& from) { return file_.tell(KVM_SET_XSAVE, &from, "KVM_SET_XSAVE"); }

Outcome KvmVcpu::set_tsc_khz(std::uint32_t khz) {
  if (file_.ask(KVM_SET_TSC_KHZ, std::uintptr_t{khz}) < 0) return refused("KVM_SET_TSC_KHZ");
  return success();
}

std::uint32_t KvmVcpu::tsc_khz() const { return static_cast<std::uint32_t>(std::max(file_.ask(KVM_GET_TSC_KHZ), 0)); }

Outcome KvmVcpu::set_cpuid(std::span<const kvm_cpuid_entry2> entries) {
  std::vector<std::uint64_t> room((sizeof(kvm_cpuid2) + entries.size_bytes() + 7) / 8);
  auto* table = reinterpret_cast<kvm_cpuid2*>(room.data());
  table->nent = static_cast<std::uint32_t>(entries.size());
  std::copy(entries.begin(), entries.end(), table->entries);
  return file_.tell(KVM_SET_CPUID2, table, "KVM_SET_CPUID2");
}

Outcome KvmVcpu::set_debug(std::uint32_t control, std::span<const std::uint64_t> registers) {
  kvm_guest_debug debug{};
  debug.control = control;
  std::copy(registers.begin(), registers.end(), debug.arch.debugreg);
  return file_.tell(KVM_SET_GUEST_DEBUG, &debug, "KVM_SET_GUEST_DEBUG");
}

Outcome KvmVcpu::set_tsc_offset(std::uint64_t offset) {
  kvm_device_attr attribute{};
  attribute.group = KVM_VCPU_TSC_CTRL;
  attribute.attr = KVM_VCPU_TSC_OFFSET;
  attribute.addr = reinterpret_cast<std::uintptr_t>(&offset);
  return file_.tell(KVM_SET_DEVICE_ATTR, &attribute, "KVM_VCPU_TSC_OFFSET");
}

}  // namespace lockstitch::kvm
