// See host_kvm.h.
#include "tests/replay/kvm/host_kvm.h"

#include <cpuid.h>
#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>

#include "vmm/engine/kvm/kvm_system.h"

namespace lockstitch::test {

namespace {

bool emulated_by_qemu() {
  unsigned a = 0, name[3] = {};
  __cpuid(0x4000'0000, a, name[0], name[1], name[2]);
  return std::memcmp(name, "TCGTCGTCGTCG", sizeof name) == 0;
}

}  // namespace

std::optional<Host> host_kvm(const char* test) {
  const auto system = kvm::KvmSystem::open();
  if (!system.ok()) {
    MESSAGE("skipped: ", system.error().text);
    std::printf("skipped: %s: %s\n", test, system.error().text.c_str());
    return std::nullopt;
  }
  static const auto report = kvm::probe();
  REQUIRE(report.ok());
  if (report.value().backend == kvm::Backend::pvm) return Host::pvm;
  return emulated_by_qemu() ? Host::rig : Host::processor;
}

}  // namespace lockstitch::test
