// A booting Debian kernel in boundary mode: exit by exit the same on KVM and on the interpreter.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/replay/kvm/host_kvm.h"
#include "tests/replay/kvm/machine_difference.h"
#include "tests/replay/support/run_trail.h"
#include "vmm/world/host_file.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {

std::optional<app::BootFiles> kernel() {
  const std::string folder = std::string(LOCKSTITCH_SOURCE_DIR) + "/build/guest/";
  auto image = world::read_host_file(folder + "vmlinuz", 64 << 20, "The kernel");
  auto initrd = world::read_host_file(folder + "initramfs.cpio", 256 << 20, "The initramfs");
  if (!image.ok() || !initrd.ok()) return std::nullopt;
  app::BootFiles boot;
  boot.kernel = std::move(image).value();
  boot.initrd = std::move(initrd).value();
  boot.command_line =
      "console=ttyS0 earlyprintk=ttyS0 panic=-1 mitigations=off nokaslr lpj=1000000 no_timer_check noapictimer "
      "lockstitch.stop=userland";
  return boot;
}

std::unique_ptr<app::Board> make_board(const app::BootFiles& boot, app::EngineKind kind) {
  app::BoardConfig config;
  config.memory_bytes = 256 << 20;
  config.machine.digest_ignored_bits = app::digest_ignored_bits(TickUnit::exit);
  config.machine.ns_per_tick = app::ns_per_tick(TickUnit::exit);
  config.engine.turns = {{Tick{}, kind}};
  config.engine.ticks = TickUnit::exit;
  auto board = app::Board::make(config, boot);
  REQUIRE_MESSAGE(board.ok(), board.error().text);
  return std::move(board).value();
}

}  // namespace

TEST_CASE("a booting kernel makes the same exits on KVM as on the interpreter") {
  const auto host = host_kvm("a booting kernel in boundary mode");
  if (!host) return;
  if (*host == Host::pvm) {
    std::puts("1: skipped: PVM does not run a kernel's userland, and its ring 0 is too slow");
    return;
  }
  const auto boot = kernel();
  if (!boot) {
    std::puts("1: skipped: no build/guest");
    return;
  }
  const char* text = std::getenv("LOCKSTITCH_KVM_EXITS");
  const std::uint64_t exits = text ? std::strtoull(text, nullptr, 0) : 2000;
  auto interp = make_board(*boot, app::EngineKind::interp);
  auto kvm = make_board(*boot, app::EngineKind::kvm);
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
}
