// KVM in single steps against the interpreter, over a booting Debian kernel: the registers are compared behind each
// instruction, the memories now and then.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/replay/kvm/debian.h"
#include "tests/replay/kvm/host_kvm.h"
#include "tests/replay/kvm/machine_difference.h"
#include "tests/replay/support/run_trail.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("KVM in single steps executes a booting kernel as the interpreter does, instruction by instruction") {
  const auto host = host_kvm("the oracle");
  if (!host) return;
  if (*host == Host::pvm) {
    std::puts("skipped: PVM does not step exactly");
    return;
  }
  const auto boot = debian_kernel();
  if (!boot) {
    std::puts("skipped: no build/guest");
    return;
  }
  const char* text = std::getenv("LOCKSTITCH_KVM_STEPS");
  const std::uint64_t steps = text ? std::strtoull(text, nullptr, 0) : 20'000;
  constexpr std::uint64_t memory_every = 100'000;
  auto interp = debian_board(*boot, app::EngineKind::interp, TickUnit::instruction);
  auto kvm = debian_board(*boot, app::EngineKind::kvm, TickUnit::instruction);
  QuietSource source;
  TrailSink interp_sink, kvm_sink;
  for (std::uint64_t tick = 1; tick <= steps; ++tick) {
    interp->machine().run(source, interp_sink, Tick{tick});
    kvm->machine().run(source, kvm_sink, Tick{tick});
    const CpuState a = interp->machine().cpu(), b = kvm->machine().cpu();
    const bool same = a.gpr == b.gpr && a.rip == b.rip && a.rflags == b.rflags && a.xmm == b.xmm && a.cr2 == b.cr2 &&
                      a.cr3 == b.cr3 && a.st == b.st && a.mxcsr == b.mxcsr;
    if (!same || tick % memory_every == 0 || tick == steps) {
      CAPTURE(tick);
      REQUIRE_MESSAGE(same, difference(*interp, *kvm));
      const std::string differs = difference(*interp, *kvm);
      REQUIRE_MESSAGE(differs.empty(), differs);
    }
  }
  for (const EngineCounter& counter : kvm->machine().engine_counters()) {
    if (counter.value != 0)
      std::printf("%s %llu\n", std::string(counter.name).c_str(), (unsigned long long)counter.value);
  }
}
