// KvmEngine::make: what of KVM an engine needs, and how it is set up.
#include <fmt/format.h>

#include <algorithm>

#include "vmm/engine/kvm/kvm_engine.h"
#include "vmm/engine/kvm/policy.h"

namespace lockstitch::kvm {

namespace {

/// Where Intel's processors without unrestricted guests keep three pages of KVM's; nothing of the board's is there.
constexpr std::uint64_t identity_map_gpa = 0xfeff'c000, task_state_gpa = 0xfeff'd000;
/// Unit: kHz. A counter that hardly moves: the nearest to none that processors offer.
constexpr std::uint32_t slowest_tsc_khz = 1;
/// CR0.CD would make the guest's memory uncached on some hosts without this one.
constexpr std::uint64_t kept_quirks = KVM_X86_QUIRK_CD_NW_CLEARED;

struct Need {
  int capability;
  const char* name;
};

Outcome check_capabilities(const KvmSystem& system) {
  constexpr Need needs[] = {
      {KVM_CAP_USER_MEMORY, "memory slots"},        {KVM_CAP_IMMEDIATE_EXIT, "immediate exits"},
      {KVM_CAP_READONLY_MEM, "read-only memory"},   {KVM_CAP_X86_USER_SPACE_MSR, "MSRs in user space"},
      {KVM_CAP_X86_MSR_FILTER, "a filter of MSRs"}, {KVM_CAP_XSAVE, "the state of x87 and SSE"},
      {KVM_CAP_VCPU_EVENTS, "pending events"},      {KVM_CAP_DEBUGREGS, "debug registers"}};
  for (const Need& need : needs) {
    if (system.capability(need.capability) > 0) continue;
    return Error{ExitCode::unavailable,
                 fmt::format("This host's KVM has no {}, which the engine needs: use Linux 5.10 or newer, or --engine "
                             "interp.",
                             need.name)};
  }
  return success();
}

}  // namespace

Result<std::unique_ptr<KvmEngine>> KvmEngine::make(GuestMemory& memory, const KvmOptions& options) {
  const auto system = KvmSystem::open(options.device);
  if (!system.ok()) return system.error();
  if (const Outcome enough = check_capabilities(system.value()); !enough) return enough.error();
  auto vm = system.value().make_vm();
  if (!vm.ok()) return vm.error();
  KvmVm& machine = vm.value();
  // Each is missing on some hosts that do well without it.
  machine.place_intel_pages(identity_map_gpa, task_state_gpa);
  if (system.value().capability(KVM_CAP_EXIT_ON_EMULATION_FAILURE) > 0) {
    if (const Outcome on = machine.enable(KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1); !on) return on.error();
  }
  const int quirks = system.value().capability(KVM_CAP_DISABLE_QUIRKS2);
  if (quirks > 0) {
    const Outcome off = machine.enable(KVM_CAP_DISABLE_QUIRKS2, static_cast<std::uint64_t>(quirks) & ~kept_quirks);
    if (!off) return off.error();
  }
  if (const Outcome filtered = machine.pass_only(passed_msrs(options.ticks)); !filtered) return filtered.error();

  auto made = machine.make_vcpu(0);
  if (!made.ok()) return made.error();
  KvmVcpu& vcpu = made.value();
  const bool scales = system.value().capability(KVM_CAP_TSC_CONTROL) > 0;
  std::uint32_t tsc_khz = 0;
  if (options.ticks == TickUnit::host_ns) {
    if (!scales || !vcpu.set_tsc_khz(model_tsc_khz)) tsc_khz = vcpu.tsc_khz();
  } else if (scales) {
    if (const Outcome slow = vcpu.set_tsc_khz(slowest_tsc_khz); !slow) return slow.error();
  }
  if (const Outcome told = vcpu.set_cpuid(cpuid_table(options.model, tsc_khz)); !told) return told.error();
  constexpr int all_shared = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
  const bool shares = (system.value().capability(KVM_CAP_SYNC_REGS) & all_shared) == all_shared;
  return std::unique_ptr<KvmEngine>(
      new KvmEngine(memory, options, std::move(machine), std::move(vcpu), shares, tsc_khz));
}

}  // namespace lockstitch::kvm
