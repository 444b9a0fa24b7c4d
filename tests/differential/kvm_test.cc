// The instruction table on KVM in single steps against the interpreter: the same cases as against the processor.
#include <cpuid.h>
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "tests/differential/comparison.h"
#include "tests/differential/engine_side.h"
#include "tests/differential/generator.h"
#include "tests/differential/random.h"
#include "vmm/engine/interp/row.h"
#include "vmm/engine/kvm/kvm_engine.h"
#include "vmm/engine/kvm/verdict.h"

namespace lockstitch::differential {

namespace {

/// What QEMU 7.2's processor (tests/kvm-rig) executes otherwise. Null: nothing is known of the row, or of this
/// processor.
const char* known_difference(const interp::Row& row) {
  unsigned a = 0, name[3] = {};
  __cpuid(0x4000'0000, a, name[0], name[1], name[2]);
  if (std::memcmp(name, "TCGTCGTCGTCG", sizeof name) != 0) return nullptr;
  const std::string_view what = row.name;
  if (row.attrs & (interp::attr::x87 | interp::attr::mmx | interp::attr::sse))
    return "QEMU checks no alignment of SSE operands, and has other NaNs, x87 flags and exponents of MMX registers";
  if (what.starts_with("push ")) return "QEMU pushes selectors with other upper halves";
  if (what.starts_with("enter")) return "QEMU checks the stack of ENTER otherwise";
  if (what.starts_with("crc32")) return "QEMU takes another operand size";
  return nullptr;
}

std::unique_ptr<Engine> stepping(GuestMemory& memory) {
  kvm::KvmOptions options;
  options.ticks = TickUnit::instruction;
  options.undefined_flags = true;
  auto made = kvm::KvmEngine::make(memory, options);
  REQUIRE_MESSAGE(made.ok(), made.error().text);
  return std::move(made).value();
}

}  // namespace

TEST_CASE("what KVM executes in single steps it executes as the interpreter does") {
  const auto report = kvm::probe();
  if (!report.ok() || !kvm::judge(report.value()).stepping.holds) {
    std::puts("skipped: the instruction table on KVM: there is none here, or it does not step exactly");
    return;
  }
  const std::uint64_t seed = number_from_env("LOCKSTITCH_SEED", 42), cases = number_from_env("LOCKSTITCH_CASES", 3);
  EngineSide interpreted, stepped(stepping);
  std::vector<std::uint8_t> pristine(data_bytes);
  Random fill(7);
  for (auto& byte : pristine) byte = static_cast<std::uint8_t>(fill.next());
  std::uint64_t run = 0, unknown = 0;
  std::set<std::string> differing;
  for (const interp::Row& row : interp::instruction_table()) {
    for (std::uint64_t number = 0; number < cases; ++number) {
      Random random((seed ^ std::uint64_t{row.opcode} << 56 ^ number) * 0x1'0000'01b3 + std::strlen(row.name));
      const unsigned bits = row.attrs & interp::attr::not64 ? 32 : 64;
      const auto which = generate(row, bits, random);
      if (!which) continue;
      for (EngineSide* side : {&interpreted, &stepped}) {
        const auto memory = side->data();
        std::memcpy(memory.data(), pristine.data(), data_bytes);
        for (const Patch& patch : which->memory) {
          for (std::size_t i = 0; i < patch.bytes.size(); ++i) {
            const std::uint64_t at = patch.at + i - data_base;
            if (at < data_bytes) memory[at] = patch.bytes[i];
          }
        }
        side->data_changed();
      }
      ++run;
      const Outcome on_kvm = stepped.run(*which), expected = interpreted.run(*which);
      const Comparison comparison = compare(*which, on_kvm, expected, stepped.data(), interpreted.data());
      if (comparison.equal || !differing.insert(row.name).second) continue;
      const char* reason = known_difference(row);
      std::printf("%s: %s\n%s", row.name, reason ? reason : "differs", reason ? "" : comparison.report.c_str());
      if (reason == nullptr) ++unknown;
    }
  }
  std::printf("%llu cases, %zu rows differ, LOCKSTITCH_SEED=%llu LOCKSTITCH_CASES=%llu\n",
              static_cast<unsigned long long>(run), differing.size(), static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(cases));
  if (differing.size() > unknown)
    std::printf("skipped: %zu rows of the table, where this processor is inexact\n", differing.size() - unknown);
  CHECK(unknown == 0);
  CHECK(run > 500);
}

}  // namespace lockstitch::differential
