// See probe.h.
#include "vmm/engine/kvm/probe.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "lockstitch/limits.h"
#include "vmm/engine/kvm/branch_counter.h"
#include "vmm/engine/kvm/kvm_system.h"
#include "vmm/engine/kvm/probe_guest.h"

namespace lockstitch::kvm {

namespace {

using Code = std::vector<std::uint8_t>;

/// What ProbeGuest::halted_in() tells after INT3, and where SYSCALL leads.
constexpr int breakpoint_vector = 3, system_call_place = 255;

std::uint64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string exit_name(const kvm_run& area) {
  switch (area.exit_reason) {
    case KVM_EXIT_HLT:
      return "HLT";
    case KVM_EXIT_SHUTDOWN:
      return "a triple fault";
    case KVM_EXIT_INTERNAL_ERROR:
      return "an emulator that does not know the instruction";
    case KVM_EXIT_FAIL_ENTRY:
      return "a state that KVM cannot enter";
    case KVM_EXIT_DEBUG:
      return "a debug stop";
    default:
      return fmt::format("exit {}", area.exit_reason);
  }
}

/// Runs until something other than a signal ends it.
Outcome run(KvmVcpu& processor) {
  for (;;) {
    if (const Outcome ran = processor.run(); !ran) return ran;
    if (processor.area().exit_reason != KVM_EXIT_INTR) return success();
  }
}

class Probe {
 public:
  explicit Probe(const KvmSystem& system) : system_(system) {}

  Report all() {
    Report report;
    report.api_version = api_version;
    report.backend = backend();
    report.kernel_speed = speed(Ring::kernel);
    report.user_speed = speed(Ring::user);
    report.system_call = system_call();
    report.kernel_instructions = kernel_instructions();
    report.tsc_offset = tsc_offset();
    const bool scales = system_.capability(KVM_CAP_TSC_CONTROL) > 0;
    report.tsc_scaling = {scales, ""};
    report.branch_counter = branch_counter(report.kernel_speed);
    report.kernel_steps = steps(Ring::kernel);
    report.user_steps = steps(Ring::user);
    report.user_breakpoint = user_breakpoint();
    report.dirty_log = dirty_log();
    report.register_sharing = {system_.capability(KVM_CAP_SYNC_REGS) == 7, ""};
    report.exit_ns = exit_cost();
    return report;
  }

 private:
  static Backend backend() {
    struct Module {
      const char* folder;
      Backend backend;
    };
    constexpr Module modules[] = {{"/sys/module/kvm_pvm", Backend::pvm},
                                  {"/sys/module/kvm_intel", Backend::vmx},
                                  {"/sys/module/kvm_amd", Backend::svm}};
    for (const Module& module : modules) {
      if (::access(module.folder, F_OK) == 0) return module.backend;
    }
    return Backend::unknown;
  }

  /// Loads and runs it. Nothing: not even that; `why` says.
  std::unique_ptr<ProbeGuest> ran(Ring ring, const Code& code, std::uint64_t rcx, std::string& why,
                                  bool logs_writes = false) {
    auto guest = ProbeGuest::make(system_, logs_writes);
    if (!guest.ok()) {
      why = guest.error().text;
      return nullptr;
    }
    Outcome done = guest.value()->load(ring, code, rcx);
    if (done) done = run(guest.value()->processor());
    if (!done) {
      why = done.error().text;
      return nullptr;
    }
    return std::move(guest).value();
  }

  static Code loop(Ring ring) {
    Code code{0xff, 0xc9, 0x75, 0xfc};  // dec ecx; jnz
    code.push_back(ring == Ring::kernel ? 0xf4 : 0xcc);
    return code;
  }

  static bool ended(const ProbeGuest& guest, kvm_run& area, int vector) {
    if (area.exit_reason != KVM_EXIT_HLT) return false;
    const auto where = guest.halted_in();
    return where.ok() && where.value() == vector;
  }

  std::uint64_t speed(Ring ring) {
    constexpr std::uint64_t first_turns = 5'000, turns_max = 100'000'000, long_enough_ns = 40'000'000;
    for (std::uint64_t turns = first_turns;; turns *= 8) {
      std::string why;
      auto guest = ProbeGuest::make(system_);
      if (!guest.ok() || !guest.value()->load(ring, loop(ring), turns)) return 0;
      const std::uint64_t began = cpu_ns();
      if (!run(guest.value()->processor())) return 0;
      const std::uint64_t took = std::max<std::uint64_t>(cpu_ns() - began, 1);
      if (!ended(*guest.value(), guest.value()->processor().area(), ring == Ring::kernel ? -1 : breakpoint_vector))
        return 0;
      if (took >= long_enough_ns || turns * 8 > turns_max) return 2 * turns * 1'000'000'000 / took;
    }
  }

  Finding system_call() {
    std::string why;
    const auto guest = ran(Ring::user, {0x0f, 0x05}, 0, why);
    if (!guest) return {false, why};
    if (guest->processor().area().exit_reason != KVM_EXIT_HLT)
      return {false, "it ends in " + exit_name(guest->processor().area())};
    const auto where = guest->halted_in();
    if (!where.ok()) return {false, where.error().text};
    if (where.value() != system_call_place) return {false, fmt::format("it ends in exception {}", where.value())};
    return {true, ""};
  }

  Finding kernel_instructions() {
    std::string why;
    const auto guest = ran(Ring::kernel, {0xf3, 0x0f, 0xb8, 0xc1, 0xf4}, 0xff, why);  // popcnt eax, ecx; hlt
    if (!guest) return {false, why};
    if (guest->processor().area().exit_reason != KVM_EXIT_HLT)
      return {false, "POPCNT ends in " + exit_name(guest->processor().area())};
    const auto registers = guest->processor().registers();
    if (!registers.ok()) return {false, registers.error().text};
    if (registers.value().rax != 8) return {false, "POPCNT has a wrong result"};
    return {true, ""};
  }

  Finding tsc_offset() {
    const Code read{0x0f, 0x31, 0xf4};  // rdtsc; hlt
    std::uint64_t seen[2];
    for (int i = 0; i < 2; ++i) {
      auto guest = ProbeGuest::make(system_);
      if (!guest.ok()) return {false, guest.error().text};
      constexpr std::uint64_t far_away = 1ull << 60;
      if (i == 1) {
        if (const Outcome set = guest.value()->processor().set_tsc_offset(far_away); !set)
          return {false, set.error().text};
      }
      Outcome done = guest.value()->load(Ring::kernel, read);
      if (done) done = run(guest.value()->processor());
      if (!done) return {false, done.error().text};
      const auto registers = guest.value()->processor().registers();
      if (!registers.ok()) return {false, registers.error().text};
      seen[i] = registers.value().rdx << 32 | (registers.value().rax & 0xffff'ffff);
    }
    constexpr std::uint64_t far_enough = 1ull << 59;
    if (seen[1] - seen[0] < far_enough) return {false, "it is accepted and ignored"};
    return {true, ""};
  }

  Finding branch_counter(std::uint64_t kernel_speed) {
    const auto opened = PerfBranchCounter::open();
    if (!opened.ok()) return {false, opened.error().text};
    BranchCounter& counter = *opened.value();
    const std::uint64_t turns = std::clamp<std::uint64_t>(kernel_speed / 100, 10'000, 1'000'000);
    std::uint64_t counted[3];
    for (std::uint64_t& count : counted) {
      auto guest = ProbeGuest::make(system_);
      if (!guest.ok()) return {false, guest.error().text};
      Outcome done = guest.value()->load(Ring::kernel, loop(Ring::kernel), turns);
      counter.start();
      if (done) done = run(guest.value()->processor());
      counter.stop();
      if (!done) return {false, done.error().text};
      const auto read = counter.count();
      if (!read.ok()) return {false, read.error().text};
      count = read.value();
    }
    const bool exact = counted[0] == turns && counted[1] == turns && counted[2] == turns;
    return {exact, fmt::format("{} branches count as {}, {} and {}", turns, counted[0], counted[1], counted[2])};
  }

  Finding steps(Ring ring) {
    // nop; mov eax,1; add eax,eax; push rax; pop rcx; lea rdx,[rax+rcx]; nop
    const Code code{0x90, 0xb8, 1, 0, 0, 0, 0x01, 0xc0, 0x50, 0x59, 0x48, 0x8d, 0x14, 0x08, 0x90, 0xf4};
    constexpr std::uint64_t boundaries[] = {1, 6, 8, 9, 10, 14, 15};
    auto guest = ProbeGuest::make(system_);
    if (!guest.ok()) return {false, guest.error().text};
    KvmVcpu& processor = guest.value()->processor();
    if (const Outcome loaded = guest.value()->load(ring, code); !loaded) return {false, loaded.error().text};
    const std::uint64_t entry = ring == Ring::kernel ? ProbeGuest::kernel_code : ProbeGuest::user_code;
    for (const std::uint64_t boundary : boundaries) {
      Outcome done = processor.set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
      if (done) done = run(processor);
      if (!done) return {false, done.error().text};
      if (processor.area().exit_reason != KVM_EXIT_DEBUG)
        return {false, "a step ends in " + exit_name(processor.area())};
      const auto registers = processor.registers();
      if (!registers.ok()) return {false, registers.error().text};
      if (registers.value().rip != entry + boundary) return {false, "a step is not one instruction"};
    }
    return {true, ""};
  }

  Finding user_breakpoint() {
    auto guest = ProbeGuest::make(system_);
    if (!guest.ok()) return {false, guest.error().text};
    KvmVcpu& processor = guest.value()->processor();
    Outcome done = guest.value()->load(Ring::user, Code{0x90, 0x90, 0x90, 0xcc});
    constexpr std::uint64_t at = ProbeGuest::user_code + 2, global_exact_0 = 0x402;
    const std::uint64_t debug_registers[] = {at, 0, 0, 0, 0, 0, 0, global_exact_0};
    if (done) done = processor.set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, debug_registers);
    if (done) done = run(processor);
    if (!done) return {false, done.error().text};
    if (processor.area().exit_reason != KVM_EXIT_DEBUG) return {false, "it never stops"};
    const auto registers = processor.registers();
    if (!registers.ok()) return {false, registers.error().text};
    if (registers.value().rip != at) return {false, "it stops elsewhere"};
    return {true, ""};
  }

  Finding dirty_log() {
    std::string why;
    // mov byte [free_page], 1; int3
    const auto guest = ran(Ring::user, {0xc6, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00, 1, 0xcc}, 0, why, true);
    if (!guest) return {false, why};
    constexpr std::uint64_t written = ProbeGuest::free_page / page_bytes, untouched = written + 64;
    const auto bit = [](const std::vector<std::uint64_t>& bits, std::uint64_t page) {
      return bits[page / 64] >> (page % 64) & 1;
    };
    const auto first = guest->take_dirty(), second = guest->take_dirty();
    if (!first.ok()) return {false, first.error().text};
    if (!second.ok()) return {false, second.error().text};
    if (bit(first.value(), written) == 0) return {false, "a page that was written is not told"};
    if (bit(first.value(), untouched) != 0) return {false, "a page that was not touched is told"};
    if (bit(second.value(), written) != 0) return {false, "a page is told twice"};
    return {true, ""};
  }

  std::uint64_t exit_cost() {
    auto guest = ProbeGuest::make(system_);
    if (!guest.ok() || !guest.value()->load(Ring::kernel, Code{0xe6, 0x80, 0xeb, 0xfc})) return 0;  // out 80h, al; jmp
    constexpr std::uint64_t warm = 50, exits = 500;
    std::uint64_t began = 0;
    for (std::uint64_t i = 0; i < warm + exits; ++i) {
      if (i == warm) began = cpu_ns();
      if (!run(guest.value()->processor()) || guest.value()->processor().area().exit_reason != KVM_EXIT_IO) return 0;
    }
    return (cpu_ns() - began) / exits;
  }

  const KvmSystem& system_;
};

}  // namespace

std::string_view name_of(Backend backend) {
  switch (backend) {
    case Backend::vmx:
      return "VMX";
    case Backend::svm:
      return "SVM";
    case Backend::pvm:
      return "PVM";
    case Backend::unknown:
      break;
  }
  return "unknown";
}

Result<Report> probe(const std::string& device) {
  const auto system = KvmSystem::open(device);
  if (!system.ok()) return system.error();
  return Probe(system.value()).all();
}

}  // namespace lockstitch::kvm
