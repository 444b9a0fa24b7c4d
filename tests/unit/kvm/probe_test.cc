// The probe on the KVM of this host, if it has one, and on what is none.
#include "vmm/engine/kvm/probe.h"

#include <doctest/doctest.h>

#include <cstdio>

#include "tests/unit/world/temporary_folder.h"
#include "vmm/engine/kvm/kvm_system.h"
#include "vmm/engine/kvm/probe_guest.h"

namespace lockstitch::kvm {

namespace {

bool have_kvm() {
  const auto system = KvmSystem::open();
  if (system.ok()) return true;
  MESSAGE("skipped: ", system.error().text);
  std::printf("skipped: %s\n", system.error().text.c_str());
  return false;
}

}  // namespace

TEST_CASE("a host without KVM is told so, with the cure") {
  const test::TemporaryFolder folder;
  const auto missing = probe(folder.file("kvm"));
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ExitCode::missing_input);
  CHECK(missing.error().text.find("modprobe kvm_intel") != std::string::npos);
  const auto other = probe(folder.file("plain", {1, 2, 3}));
  REQUIRE(!other.ok());
  CHECK(other.error().code == ExitCode::bad_input);
  CHECK(other.error().text.find("is no KVM device") != std::string::npos);
}

TEST_CASE("code in ring 3 runs, and what it does to the kernel's memory is a page fault") {
  if (!have_kvm()) return;
  const auto system = KvmSystem::open();
  auto guest = ProbeGuest::make(system.value());
  REQUIRE(guest.ok());
  // mov al, [kernel_code]
  const std::uint8_t code[] = {0x8a, 0x04, 0x25, 0x00, 0x90, 0x00, 0x40, 0xcc};
  REQUIRE(guest.value()->load(Ring::user, code).ok());
  REQUIRE(guest.value()->processor().run().ok());
  CHECK(guest.value()->processor().area().exit_reason == KVM_EXIT_HLT);
  constexpr int page_fault = 14;
  CHECK(guest.value()->halted_in().value() == page_fault);
}

TEST_CASE("two probes of one host find the same") {
  if (!have_kvm()) return;
  const auto first = probe(), second = probe();
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  const Report &a = first.value(), &b = second.value();
  CHECK(a.api_version == 12);
  CHECK(a.backend == b.backend);
  CHECK(a.user_speed > 0);
  CHECK(a.exit_ns > 0);
  for (const auto each : {&Report::system_call, &Report::kernel_instructions, &Report::tsc_offset, &Report::tsc_scaling,
                          &Report::kernel_steps, &Report::user_steps, &Report::user_breakpoint, &Report::dirty_log}) {
    CHECK((a.*each).holds == (b.*each).holds);
    CHECK((a.*each).detail == (b.*each).detail);
  }
  CHECK(a.dirty_log.holds);
}

}  // namespace lockstitch::kvm
