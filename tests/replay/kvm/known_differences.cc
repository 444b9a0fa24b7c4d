// See known_differences.h.
#include "tests/replay/kvm/known_differences.h"

#include <map>

namespace lockstitch::test {

namespace {

using Reasons = std::map<std::string, std::string>;

/// QEMU 7.2's processor is inexact where Linux and Windows do not look.
const Reasons& of_rig() {
  static const Reasons reasons{
      {"breakpoints", "QEMU arms no breakpoints of a nested guest"},
      {"cmpxchg_wide", "QEMU executes CMPXCHG16B at any alignment"},
      {"exceptions32", "QEMU checks no segment limits and no alignment"},
      {"exceptions64", "QEMU checks no alignment and raises #GP where #SS is right"},
      {"fpu_sse", "QEMU computes x87 and SSE otherwise"},
      {"hello_real", "QEMU chooses other undefined flags"},
      {"long_mode", "QEMU checks descriptors otherwise"},
      {"overrun", "QEMU faults otherwise at a non-canonical address"},
      {"page_table_store", "the guest wants stores to page tables to take effect at once, which no processor promises"},
      {"paging32", "QEMU has inexact error codes of page faults"},
      {"paging_pae", "QEMU marks page-directory pointers as accessed"},
      {"segment_limits", "QEMU checks no segment limits"},
      {"single_step", "QEMU pushes selectors with other upper halves"},
      {"syscall", "QEMU chooses other undefined flags"},
      {"task_switch", "QEMU checks no limit of the TSS"},
      {"v86_mode", "QEMU has no redirected interrupts of VME"},
      {"hal_tsc", "it asks for a TSC that moves, which boundary mode hides"},
      {"hlt_wake", "its RDTSC shares a page with its descriptors, so it cannot be kept out of KVM's hands"},
      {"tsc_deadline", "its RDTSC shares a page with its descriptors"},
  };
  return reasons;
}

const Reasons& of_pvm() {
  static const std::string mode = "PVM has only 64-bit paging, without virtual-8086 mode";
  static const std::string emulator = "PVM's emulator of ring 0 does not deliver what the guest asks for";
  static const std::string user = "ring 3 of PVM does not fault, step or enter ring 0 as processors do";
  static const std::string counter = "PVM shows the host's TSC and CPUID";
  static const Reasons reasons{
      {"breakpoints", user},   {"call_gates", user},         {"exceptions32", emulator}, {"exceptions64", emulator},
      {"fpu_sse", emulator},   {"hal_tsc", counter},         {"hlt_wake", counter},      {"lapic_timer", emulator},
      {"long_mode", emulator}, {"paging32", mode},           {"paging_pae", mode},       {"segment_limits", emulator},
      {"single_step", user},   {"self_modifying", emulator}, {"sti_shadow", emulator},   {"string_faults", emulator},
      {"syscall", user},       {"sysenter", user},           {"task_switch", emulator},  {"tsc_deadline", counter},
      {"v86_mode", mode},      {"page_table_store", mode},
  };
  return reasons;
}

std::string find(const Reasons& reasons, const std::string& guest) {
  const auto at = reasons.find(guest);
  return at == reasons.end() ? "" : at->second;
}

}  // namespace

std::string known_difference(Host host, const std::string& guest) {
  switch (host) {
    case Host::rig:
      return find(of_rig(), guest);
    case Host::pvm:
      return find(of_pvm(), guest);
    case Host::processor:
      break;
  }
  return "";
}

}  // namespace lockstitch::test
