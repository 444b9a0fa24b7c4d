// See debian.h.
#include "tests/replay/kvm/debian.h"

#include <doctest/doctest.h>

#include "vmm/world/host_file.h"

namespace lockstitch::test {

std::optional<app::BootFiles> debian_kernel() {
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

std::unique_ptr<app::Board> debian_board(const app::BootFiles& boot, app::EngineKind kind, TickUnit ticks) {
  app::BoardConfig config;
  config.memory_bytes = 256 << 20;
  config.machine.digest_ignored_bits = app::digest_ignored_bits(ticks);
  config.machine.ns_per_tick = app::ns_per_tick(ticks);
  config.engine.turns = {{Tick{}, kind}};
  config.engine.ticks = ticks;
  auto board = app::Board::make(config, boot);
  REQUIRE_MESSAGE(board.ok(), board.error().text);
  return std::move(board).value();
}

}  // namespace lockstitch::test
