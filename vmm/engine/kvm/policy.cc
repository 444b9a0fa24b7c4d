// See policy.h.
#include "vmm/engine/kvm/policy.h"

#include "vmm/engine/kvm/state_transfer.h"

namespace lockstitch::kvm {

namespace {

constexpr std::uint32_t msr_tsc = 0x10, msr_efer = 0xc000'0080, msr_fs_base = 0xc000'0100;
constexpr std::uint32_t unused_leaves = 16;
constexpr std::uint32_t tsc_leaf = 0x15, tsc_deadline = 1u << 24;

bool has_subleaves(std::uint32_t leaf) { return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd; }

}  // namespace

std::vector<kvm_cpuid_entry2> cpuid_table(const interp::CpuModel& model, std::uint32_t tsc_khz) {
  std::vector<kvm_cpuid_entry2> table;
  const auto add = [&](std::uint32_t leaf, std::uint32_t subleaf) {
    const interp::CpuidResult r = interp::cpuid(leaf, subleaf, model);
    kvm_cpuid_entry2 entry{};
    entry.function = leaf;
    entry.index = subleaf;
    entry.flags = has_subleaves(leaf) ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
    entry.eax = r.eax;
    entry.ebx = r.ebx;
    entry.ecx = r.ecx;
    entry.edx = r.edx;
    // A counter at another rate is the guest's to measure (Linux multiplies what the leaf tells in 32 bits), and a
    // timer that is set by it is not offered: ours count virtual time.
    if (tsc_khz != 0 && leaf == 1) entry.ecx &= ~tsc_deadline;
    if (tsc_khz != 0 && leaf == tsc_leaf) entry.eax = entry.ebx = entry.ecx = 0;
    table.push_back(entry);
  };
  for (const std::uint32_t base : {0u, 0x4000'0000u, 0x8000'0000u}) {
    const std::uint32_t last = interp::cpuid(base, 0, model).eax;
    if (last < base || last > base + 0x40) {
      for (std::uint32_t leaf = base; leaf < base + unused_leaves; ++leaf) add(leaf, 0);
      continue;
    }
    for (std::uint32_t leaf = base; leaf <= last; ++leaf) {
      const std::uint32_t subleaves = has_subleaves(leaf) ? 4 : 1;
      for (std::uint32_t subleaf = 0; subleaf < subleaves; ++subleaf) add(leaf, subleaf);
    }
    // Behind the end KVM answers as Intel's processors do, with the highest leaf; the model has zeros there.
    for (std::uint32_t leaf = last + 1; leaf <= last + unused_leaves; ++leaf) add(leaf, 0);
  }
  return table;
}

std::vector<KvmVm::MsrRange> passed_msrs(TickUnit ticks) {
  std::vector<KvmVm::MsrRange> ranges{{msr_efer, 1}, {msr_fs_base, 2}};
  for (const NativeMsr& msr : native_msrs) ranges.push_back({msr.index, 1});
  if (ticks == TickUnit::host_ns) ranges.push_back({msr_tsc, 1});
  return ranges;
}

}  // namespace lockstitch::kvm
