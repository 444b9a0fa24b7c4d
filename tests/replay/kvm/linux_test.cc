// A booting Debian kernel in boundary mode: exit by exit the same on KVM and on the interpreter.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/replay/kvm/debian.h"
#include "tests/replay/kvm/host_kvm.h"
#include "tests/replay/kvm/machine_difference.h"
#include "tests/replay/support/run_trail.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("a booting kernel makes the same exits on KVM as on the interpreter") {
  const auto host = host_kvm("a booting kernel in boundary mode");
  if (!host) return;
  if (*host == Host::pvm) {
    std::puts("skipped: PVM does not run a kernel's userland, and its ring 0 is too slow");
    return;
  }
  const auto boot = debian_kernel();
  if (!boot) {
    std::puts("skipped: no build/guest");
    return;
  }
  const char* text = std::getenv("LOCKSTITCH_KVM_EXITS");
  const std::uint64_t exits = text ? std::strtoull(text, nullptr, 0) : 2000;
  auto interp = debian_board(*boot, app::EngineKind::interp, TickUnit::exit);
  auto kvm = debian_board(*boot, app::EngineKind::kvm, TickUnit::exit);
  QuietSource source;
  TrailSink interp_sink, kvm_sink;
  for (std::uint64_t piece = 1; piece <= 8; ++piece) {
    const Tick stop{exits * piece / 8};
    interp->machine().run(source, interp_sink, stop);
    kvm->machine().run(source, kvm_sink, stop);
    CAPTURE(stop.value);
    REQUIRE(kvm_sink.console == interp_sink.console);
    const bool equal = interp->machine().digest() == kvm->machine().digest();
    REQUIRE_MESSAGE(equal, difference(*interp, *kvm, 40));
  }
  std::printf("%llu exits; %zu words differ in bits that the digests leave out\n",
              static_cast<unsigned long long>(exits), ignored_differences(*interp, *kvm));
}
