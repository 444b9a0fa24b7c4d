// The words for a CPU's mode, flags and system registers.
#include "vmm/debug/system_text.h"

#include <doctest/doctest.h>

namespace lockstitch::test {
namespace {

using debug::cpu_mode;
using debug::CpuMode;
using debug::privilege_level;
using debug::system_text;

CpuState with(std::uint64_t cr0, std::uint64_t efer, std::uint64_t rflags, std::uint32_t cs,
              std::uint32_t ss = 0xc093) {
  CpuState cpu;
  cpu.cr0 = cr0;
  cpu.efer = efer;
  cpu.rflags = rflags;
  cpu.segment[unsigned(SegmentName::cs)].attributes = cs;
  cpu.segment[unsigned(SegmentName::ss)].attributes = ss;
  return cpu;
}

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  INFO(std::string(part));
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("the mode follows from CR0, EFER, RFLAGS and the code segment") {
  CHECK(cpu_mode(cpu_at_reset()) == CpuMode::real);
  CHECK(cpu_mode(with(1, 0, 2, 0x9b)) == CpuMode::protected16);
  CHECK(cpu_mode(with(1, 0, 2, 0xc09b)) == CpuMode::protected32);
  CHECK(cpu_mode(with(1, 0, 0x2'0002, 0xf3)) == CpuMode::virtual_8086);
  CHECK(cpu_mode(with(0x8000'0001, 0x500, 2, 0x9b)) == CpuMode::compat16);
  CHECK(cpu_mode(with(0x8000'0001, 0x500, 2, 0xc09b)) == CpuMode::compat32);
  CHECK(cpu_mode(with(0x8000'0001, 0x500, 2, 0xa09b)) == CpuMode::long64);
}

TEST_CASE("privilege is that of the stack segment, 0 in real mode and 3 in virtual-8086 mode") {
  CHECK(privilege_level(with(0, 0, 2, 0x9b, 0xf3)) == 0);
  CHECK(privilege_level(with(1, 0, 0x2'0002, 0xf3, 0x93)) == 3);
  CHECK(privilege_level(with(1, 0, 2, 0xc09b, 0xc093 | 2 << 5)) == 2);
}

TEST_CASE("system registers are explained") {
  CpuState cpu = with(0x8005'0033, 0xd01, 0x3246, 0xa0fb, 0xc0f3);
  cpu.cr4 = 0x6b0;
  cpu.segment[unsigned(SegmentName::tr)] = {0x40, 0xfffe'0000, 0x67, 0x8b};
  cpu.segment[unsigned(SegmentName::gs)].attributes = 0x1'0000;
  cpu.dr[7] = 0x000d'0402;
  cpu.dr[6] = 0xffff'4ff1;
  cpu.lstar = 0xffff'ffff'8100'0000;
  cpu.nmi_blocked = true;
  const std::string text = system_text(cpu);
  CHECK(text.starts_with("64-bit mode, CPL 3, 4-level paging, running\nNMIs are blocked until IRET\n"));
  has(text, "cr0    0x0000000080050033 [PE MP ET NE WP AM PG]\n");
  has(text, "[PSE PAE PGE OSFXSR OSXMMEXCPT]\n");
  has(text, "[SCE LME LMA NXE]\n");
  has(text, "[PF ZF IF] IOPL 3\n");
  has(text, "64-bit code, readable, DPL 3\n");
  has(text, "tr   0040 base 0x00000000fffe0000 limit 0x00000067 TSS, busy, DPL 0\n");
  has(text, "gs   0000 base 0x0000000000000000 limit 0x00000000 unusable\n");
  has(text, "dr6    0x00000000ffff4ff1 [B0 BS]\n");
  has(text, "dr7    0x00000000000d0402 [0: write 4]\n");
  has(text, "lstar          0xffffffff81000000\n");
}

TEST_CASE("the CPU at reset is in real mode, without paging, and its data segments are named as such") {
  const std::string text = system_text(cpu_at_reset());
  CHECK(text.starts_with("real mode, CPL 0, paging off, running\n"));
  has(text, "cs   f000 base 0x00000000ffff0000 limit 0x0000ffff 16-bit code, readable, DPL 0\n");
  has(text, "ds   0000 base 0x0000000000000000 limit 0x0000ffff 16-bit data, writable, DPL 0\n");
}

}  // namespace lockstitch::test
