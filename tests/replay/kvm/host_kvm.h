// The KVM that this host has, if any: tests that need one say why they cannot run.
#pragma once
#include <optional>
#include <string>

#include "vmm/engine/kvm/probe.h"

namespace lockstitch::test {

enum class Host : std::uint8_t {
  processor,  ///< KVM with the help of a processor
  rig,        ///< the same, but the processor is QEMU's emulation of one (tests/kvm-rig)
  pvm,        ///< ring 0 is emulated by KVM
};

/// Nothing: there is no KVM here, which is said as a skip of `test`.
std::optional<Host> host_kvm(const char* test);

}  // namespace lockstitch::test
