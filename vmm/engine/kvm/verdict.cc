// See verdict.h.
#include "vmm/engine/kvm/verdict.h"

#include <fmt/format.h>

namespace lockstitch::kvm {

Verdict judge(const Report& report) {
  Verdict verdict;
  const auto fault = [&](std::string what) { verdict.faults.push_back(std::move(what)); };
  const auto detail = [](const Finding& finding) { return finding.detail.empty() ? "" : " (" + finding.detail + ")"; };
  if (report.user_speed == 0 || report.kernel_speed == 0) {
    fault(fmt::format("code in ring {} does not run", report.kernel_speed == 0 ? 0 : 3));
  } else if (report.kernel_speed < hardware_speed_min) {
    fault(fmt::format("ring 0 is emulated, at {} million instructions a second", report.kernel_speed / 1'000'000));
  } else if (report.user_speed < hardware_speed_min) {
    fault(fmt::format("ring 3 is emulated, at {} million instructions a second", report.user_speed / 1'000'000));
  }
  if (!report.kernel_instructions.holds)
    fault("not every instruction works in ring 0" + detail(report.kernel_instructions));
  if (!report.system_call.holds) fault("SYSCALL does not enter ring 0" + detail(report.system_call));
  if (!report.dirty_log.holds) fault("the log of written pages is wrong" + detail(report.dirty_log));
  verdict.sound = verdict.faults.empty();

  verdict.boundary = {
      verdict.sound, verdict.sound ? "for guests that behave; RDTSC is the interpreter's on the pages where it is found"
                                   : verdict.faults.front()};
  const bool steps = report.kernel_steps.holds && report.user_steps.holds && report.system_call.holds;
  verdict.stepping = {steps, steps ? "slow; the oracle" : "single steps are not one instruction each"};
  verdict.counting = report.branch_counter;
  if (verdict.counting.holds && !steps) verdict.counting = {false, "single steps are not one instruction each"};

  if (!verdict.sound && report.backend == Backend::pvm) {
    verdict.cures.push_back(
        "PVM has no help of the processor: use a host, or a virtual machine with nested virtualisation, that has "
        "kvm_intel or kvm_amd");
  }
  if (report.branch_counter.detail.find("paranoid") != std::string::npos)
    verdict.cures.push_back("let this user count branches: `sysctl kernel.perf_event_paranoid=1`");
  return verdict;
}

}  // namespace lockstitch::kvm
