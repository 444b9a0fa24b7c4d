// See branch_counter.h.
#include "vmm/engine/kvm/branch_counter.h"

#include <cpuid.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace lockstitch::kvm {

namespace {

constexpr unsigned intel_name = 0x756e'6547;  // "Genu"
constexpr std::uint64_t intel_conditional = 0x11c4, amd_conditional = 0xd1;

std::uint64_t conditional_branches() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __get_cpuid(0, &a, &b, &c, &d);
  return b == intel_name ? intel_conditional : amd_conditional;
}

}  // namespace

Result<std::unique_ptr<PerfBranchCounter>> PerfBranchCounter::open() {
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_RAW;
  wanted.config = conditional_branches();
  wanted.exclude_host = wanted.exclude_hv = 1;
  wanted.pinned = wanted.disabled = 1;
  KvmFile file(static_cast<int>(::syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!file) {
    const bool forbidden = errno == EACCES || errno == EPERM;
    return Error{ExitCode::unavailable,
                 forbidden ? "not permitted (kernel.perf_event_paranoid)" : "the processor offers none here"};
  }
  return std::unique_ptr<PerfBranchCounter>(new PerfBranchCounter(std::move(file)));
}

void PerfBranchCounter::start() {
  file_.ask(PERF_EVENT_IOC_RESET);
  file_.ask(PERF_EVENT_IOC_ENABLE);
}

void PerfBranchCounter::stop() { file_.ask(PERF_EVENT_IOC_DISABLE); }

Result<std::uint64_t> PerfBranchCounter::count() const {
  std::uint64_t count = 0;
  if (::read(file_.descriptor(), &count, sizeof count) != sizeof count)
    return Error{ExitCode::unavailable, "it cannot be read"};
  return count;
}

}  // namespace lockstitch::kvm
