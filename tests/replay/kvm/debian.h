// Debian's kernel with our initramfs on a board with a chosen engine, for tests that hold engines against each other.
#pragma once
#include <memory>
#include <optional>

#include "vmm/app/board.h"

namespace lockstitch::test {

/// With a command line that suits boundary mode (docs/KVM.md). Nothing: there is no build/guest.
std::optional<app::BootFiles> debian_kernel();

std::unique_ptr<app::Board> debian_board(const app::BootFiles& boot, app::EngineKind kind, TickUnit ticks);

}  // namespace lockstitch::test
