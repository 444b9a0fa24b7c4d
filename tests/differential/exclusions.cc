// See exclusions.h.
#include "tests/differential/exclusions.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace lockstitch::differential {
namespace {

using interp::Row;
namespace attr = interp::attr;

const ZydisDecoder& decoder(unsigned bits) {
  static const auto make = [](ZydisMachineMode mode, ZydisStackWidth width) {
    ZydisDecoder d;
    ZydisDecoderInit(&d, mode, width);
    return d;
  };
  static const ZydisDecoder d64 = make(ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  static const ZydisDecoder d32 = make(ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
  return bits == 64 ? d64 : d32;
}

bool starts(const Row& row, std::string_view text) { return std::string_view(row.name).substr(0, text.size()) == text; }

bool has_prefix(const Encoding& e, std::uint8_t wanted) {
  for (const std::uint8_t byte : e.bytes) {
    const bool prefix = byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x26 || byte == 0x2e ||
                        byte == 0x36 || byte == 0x3e || byte == 0x64 || byte == 0x65 || (e.bits == 64 && (byte & 0xf0) == 0x40);
    if (!prefix) return false;
    if (byte == wanted) return true;
  }
  return false;
}

bool amd_host() {
  static const bool amd = [] {
    std::ifstream info("/proc/cpuinfo");
    std::string line;
    while (std::getline(info, line))
      if (line.find("vendor_id") == 0) return line.find("AuthenticAMD") != std::string::npos;
    return false;
  }();
  return amd;
}

// System rows that only fault in user mode, or whose result does not depend on the host.
bool system_row_runs(const Row& row) {
  static constexpr std::string_view names[] = {
      "hlt",   "cli",   "sti",  "in ",   "out ",  "ins",   "outs",  "rep ins", "rep outs", "repne ins", "repne outs", "clts",
      "invd",  "wbinvd", "lgdt", "lidt", "lldt",  "ltr",   "lmsw",  "invlpg",  "mov R,C",  "mov C,R",   "mov R,D",    "mov D,R",
      "rdmsr", "wrmsr", "swapgs", "rdpmc", "int Ib", "int3", "int1", "into",   "arpl",     "verr",      "verw",       "lar",
      "lsl",   "mov Sw,Ew", "jmp far", "call far", "retf", "iret", "les", "lds", "lss"};
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view n) { return starts(row, n); });
}

bool in_the_model(const ZydisDecodedInstruction& i) {
  switch (i.meta.isa_ext) {
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_LONGMODE:
    case ZYDIS_ISA_EXT_X87:
    case ZYDIS_ISA_EXT_MMX:
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSE3:
    case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_CLFSH:
    case ZYDIS_ISA_EXT_PAUSE:
    case ZYDIS_ISA_EXT_AMD3DNOW_PREFETCH:
    case ZYDIS_ISA_EXT_PREFETCHWT1:
    case ZYDIS_ISA_EXT_MPX:       // hints without MPX enabled
    case ZYDIS_ISA_EXT_CET:       // hints without CET enabled
    case ZYDIS_ISA_EXT_CLDEMOTE:  // a hint
      return true;
    default: return false;
  }
}

const Exclusion list[] = {
    {"rows that enter the host's kernel: SYSCALL, SYSENTER, SYSRET, SYSEXIT, INT 80h", "they would make a system call of the test program",
     [](const Encoding& e) {
       if (starts(e.row, "sys")) return true;
       return starts(e.row, "int Ib") && !e.bytes.empty() && e.bytes.back() == 0x80;
     }},
    {"CPUID, RDTSC, RDTSCP", "the results are the host's own",
     [](const Encoding& e) { return starts(e.row, "cpuid") || starts(e.row, "rdtsc"); }},
    {"SGDT, SIDT, SLDT, STR, SMSW", "processors with UMIP fault and Linux emulates them with values of its own",
     [](const Encoding& e) {
       return starts(e.row, "sgdt") || starts(e.row, "sidt") || starts(e.row, "sldt") || starts(e.row, "str") || starts(e.row, "smsw");
     }},
    {"loads of FS and GS", "the test program's thread stands on FS, its GS base is fixed",
     [](const Encoding& e) {
       if (starts(e.row, "lfs") || starts(e.row, "lgs") || starts(e.row, "pop FS") || starts(e.row, "pop GS")) return true;
       if (!starts(e.row, "mov Sw,Ew")) return false;
       const auto opcode = std::find(e.bytes.begin(), e.bytes.end(), std::uint8_t{0x8e});
       return opcode == e.bytes.end() || opcode + 1 == e.bytes.end() || (opcode[1] >> 3 & 7) == 4 || (opcode[1] >> 3 & 7) == 5;
     }},
    {"FS overrides; in 32-bit code GS overrides too", "the bases belong to the test program's thread",
     [](const Encoding& e) { return has_prefix(e, 0x64) || (e.bits == 32 && has_prefix(e, 0x65)); }},
    {"LOCK with F2 or F3", "on processors with TSX a lock elision: the first attempt may abort",
     [](const Encoding& e) { return has_prefix(e, 0xf0) && (has_prefix(e, 0xf2) || has_prefix(e, 0xf3)); }},
    {"near branches with 66 in 64-bit mode on AMD processors", "the model follows Intel, which ignores the prefix",
     [](const Encoding& e) { return amd_host() && e.bits == 64 && e.row.size == interp::Size::f64 && has_prefix(e, 0x66); }},
    {"other rows marked system", "their outcome depends on descriptor tables or control registers of the host",
     [](const Encoding& e) { return (e.row.attrs & attr::system) && !system_row_runs(e.row); }},
    {"encodings that an extension outside our CPU model gives a meaning (TZCNT, LZCNT, MOVBE, AVX, SHA ...)",
     "the host has extensions that the model lacks",
     [](const Encoding& e) {
       ZydisDecodedInstruction i;
       ZydisDecoderContext context;
       if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder(e.bits), &context, e.bytes.data(), e.bytes.size(), &i))) return false;
       return !in_the_model(i);
     }},
};

}  // namespace

std::span<const Exclusion> exclusions() { return list; }

const Exclusion* excluded(const Encoding& encoding) {
  for (const Exclusion& e : list)
    if (e.matches(encoding)) return &e;
  return nullptr;
}

std::string disassemble(std::span<const std::uint8_t> bytes, unsigned bits, std::uint64_t rip) {
  ZydisDecodedInstruction i;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(bits), bytes.data(), bytes.size(), &i, operands))) return "?";
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  char text[128];
  if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &i, operands, i.operand_count_visible, text, sizeof text, rip, nullptr))) return "?";
  return text;
}

}  // namespace lockstitch::differential
