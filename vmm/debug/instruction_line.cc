// See instruction_line.h.
#include "vmm/debug/instruction_line.h"

#include <fmt/format.h>

#include <utility>

#include "vmm/debug/instruction_text.h"
#include "vmm/debug/page_walk.h"

namespace lockstitch::debug {
namespace {

constexpr std::size_t instruction_max_bytes = 15;
constexpr const char* gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                     "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr const char* segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};

using Changes = std::vector<std::pair<std::string, std::string>>;

std::string hex(std::uint64_t value) { return fmt::format("{:#x}", value); }

std::string hex(const std::array<std::uint8_t, 16>& bytes, unsigned count) {
  std::string text = "0x";
  for (unsigned i = count; i-- > 0;) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

Changes changes_of(const CpuState& before, const CpuState& after) {
  Changes changes;
  const auto word = [&](std::string name, std::uint64_t a, std::uint64_t b) {
    if (a != b) changes.emplace_back(std::move(name), hex(b));
  };
  for (unsigned i = 0; i < 16; ++i) word(gpr_names[i], before.gpr[i], after.gpr[i]);
  word("rflags", before.rflags, after.rflags);
  for (unsigned i = 0; i < segment_count; ++i) {
    word(segment_names[i], before.segment[i].selector, after.segment[i].selector);
    word(std::string(segment_names[i]) + "_base", before.segment[i].base, after.segment[i].base);
  }
  word("cr0", before.cr0, after.cr0);
  word("cr2", before.cr2, after.cr2);
  word("cr3", before.cr3, after.cr3);
  word("cr4", before.cr4, after.cr4);
  word("efer", before.efer, after.efer);
  word("kernel_gs_base", before.kernel_gs_base, after.kernel_gs_base);
  for (unsigned i = 0; i < 16; ++i) {
    if (before.xmm[i] != after.xmm[i]) changes.emplace_back(fmt::format("xmm{}", i), hex(after.xmm[i], 16));
  }
  for (unsigned i = 0; i < 8; ++i) {
    if (before.st[i] != after.st[i]) changes.emplace_back(fmt::format("st{}", i), hex(after.st[i], 10));
  }
  word("fstat", before.fpu_status, after.fpu_status);
  word("mxcsr", before.mxcsr, after.mxcsr);
  return changes;
}

std::string_view mode_of(const CpuState& cpu) {
  const std::uint32_t attributes = cpu.segment[unsigned(SegmentName::cs)].attributes;
  if ((cpu.efer & 0x400) && (attributes & 0x2000)) return "64";
  const bool real = !(cpu.cr0 & 1) || (cpu.rflags & 0x2'0000);
  return !real && (attributes & 0x4000) ? "32" : "16";
}

unsigned privilege_of(const CpuState& cpu) {
  if (!(cpu.cr0 & 1)) return 0;
  return cpu.rflags & 0x2'0000 ? 3 : cpu.segment[unsigned(SegmentName::ss)].attributes >> 5 & 3;
}

std::string quoted(std::string_view text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) all += c;
  }
  return all + "\"";
}

}  // namespace

InstructionStep make_step(GuestMemory& memory, const CpuState& before, const CpuState& after, Boundary begin,
                          Boundary end) {
  InstructionStep step{begin, end, before, after, std::vector<std::uint8_t>(instruction_max_bytes)};
  const Segment& code = before.segment[unsigned(SegmentName::cs)];
  const bool code64 = (before.efer & 0x400) && (code.attributes & 0x2000);
  const std::uint64_t at = code64 ? before.rip : (code.base + before.rip) & 0xffff'ffff;
  step.code.resize(read_linear(before, memory, at, step.code));
  return step;
}

std::string trace_header(TraceFormat format) {
  if (format == TraceFormat::json) {
    return "{\"format\": \"lockstitch instructions\", \"version\": 1, \"numbers\": \"hexadecimal strings\"}\n";
  }
  return "# lockstitch instructions, version 1: tick+delivered mode cpl rip bytes instruction | what it changed\n";
}

std::string trace_line(const InstructionStep& step, TraceFormat format, const SymbolTable* symbols) {
  InstructionText text = instruction_text(step.before, step.code, symbols);
  if (!step.executed()) text.text = fmt::format("(delivery to {:#x})", step.after.rip);
  if (step.executed() && step.before.activity == Activity::halted) text.text = "(waited)";
  std::string bytes;
  for (unsigned i = 0; i < text.bytes && i < step.code.size(); ++i) bytes += fmt::format("{:02x}", step.code[i]);
  const std::string symbol = symbols != nullptr ? symbols->name_at(step.before.rip) : "";
  const Changes changes = changes_of(step.before, step.after);
  if (format == TraceFormat::json) {
    std::string line = fmt::format(
        "{{\"tick\": {}, \"delivered\": {}, \"mode\": {}, \"cpl\": {}, \"rip\": \"{:#x}\", \"bytes\": \"{}\", "
        "\"text\": {}",
        step.begin.tick.value, step.begin.delivered, mode_of(step.before), privilege_of(step.before), step.before.rip,
        bytes, quoted(text.text));
    if (!symbol.empty()) line += fmt::format(", \"symbol\": {}", quoted(symbol));
    line += ", \"changed\": {";
    for (std::size_t i = 0; i < changes.size(); ++i) {
      line += fmt::format("{}\"{}\": \"{}\"", i == 0 ? "" : ", ", changes[i].first, changes[i].second);
    }
    return line + "}}";
  }
  std::string line = fmt::format("{}{} {} {} {:#x} ", step.begin.tick.value,
                                 step.begin.delivered != 0 ? fmt::format("+{}", step.begin.delivered) : "",
                                 mode_of(step.before), privilege_of(step.before), step.before.rip);
  if (!symbol.empty()) line += fmt::format("<{}> ", symbol);
  line += fmt::format("{:<16} {}", bytes, text.text);
  if (!changes.empty()) line += "  |";
  for (const auto& [name, value] : changes) line += fmt::format(" {}={}", name, value);
  return line;
}

}  // namespace lockstitch::debug
