// See instruction_line.h.
#include "vmm/debug/instruction_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "vmm/debug/guest_access.h"
#include "vmm/debug/instruction_text.h"
#include "vmm/debug/page_walk.h"
#include "vmm/debug/system_text.h"

namespace lockstitch::debug {
namespace {

constexpr std::size_t instruction_max_bytes = 15;
constexpr unsigned nmi_vector = 2, first_interrupt_vector = 32;
constexpr const char* gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                     "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr const char* segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
constexpr const char* exception_names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",
                                           "#TS", "#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM"};

struct Word {
  const char* name;
  std::uint64_t CpuState::*value;
};
constexpr Word words[] = {{"cr0", &CpuState::cr0},
                          {"cr2", &CpuState::cr2},
                          {"cr3", &CpuState::cr3},
                          {"cr4", &CpuState::cr4},
                          {"efer", &CpuState::efer},
                          {"star", &CpuState::star},
                          {"lstar", &CpuState::lstar},
                          {"cstar", &CpuState::cstar},
                          {"fmask", &CpuState::fmask},
                          {"kernel_gs_base", &CpuState::kernel_gs_base},
                          {"tsc_aux", &CpuState::tsc_aux},
                          {"sysenter_cs", &CpuState::sysenter_cs},
                          {"sysenter_esp", &CpuState::sysenter_esp},
                          {"sysenter_eip", &CpuState::sysenter_eip},
                          {"pat", &CpuState::pat},
                          {"misc_enable", &CpuState::misc_enable},
                          {"mtrr_default_type", &CpuState::mtrr_default_type},
                          {"tsc_offset", &CpuState::tsc_offset},
                          {"microcode_revision", &CpuState::microcode_revision},
                          {"debug_control", &CpuState::debug_control},
                          {"pending_debug", &CpuState::pending_debug}};

using Changes = std::vector<std::pair<std::string, std::string>>;

std::string hex(const std::array<std::uint8_t, 16>& bytes, unsigned count) {
  std::string text = "0x";
  for (unsigned i = count; i-- > 0;) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

/// Everything in CpuState but RIP, in the order in which people look for it.
Changes changes_of(const CpuState& before, const CpuState& after) {
  Changes changes;
  const auto number = [&](std::string_view name, std::uint64_t a, std::uint64_t b, std::string_view suffix = "") {
    if (a != b) changes.emplace_back(fmt::format("{}{}", name, suffix), fmt::format("{:#x}", b));
  };
  const auto numbered = [&](std::string_view name, const auto& a, const auto& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i] != b[i]) changes.emplace_back(fmt::format("{}{}", name, i), fmt::format("{:#x}", b[i]));
    }
  };
  const auto wide = [&](std::string_view name, const auto& a, const auto& b, unsigned bytes) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i] != b[i]) changes.emplace_back(fmt::format("{}{}", name, i), hex(b[i], bytes));
    }
  };
  for (unsigned i = 0; i < 16; ++i) number(gpr_names[i], before.gpr[i], after.gpr[i]);
  number("rflags", before.rflags, after.rflags);
  for (unsigned i = 0; i < segment_count; ++i) {
    const Segment &a = before.segment[i], &b = after.segment[i];
    number(segment_names[i], a.selector, b.selector);
    number(segment_names[i], a.base, b.base, "_base");
    number(segment_names[i], a.limit, b.limit, "_limit");
    number(segment_names[i], a.attributes, b.attributes, "_attributes");
  }
  for (const Word& word : words) number(word.name, before.*word.value, after.*word.value);
  number("gdtr_base", before.gdtr.base, after.gdtr.base);
  number("gdtr_limit", before.gdtr.limit, after.gdtr.limit);
  number("idtr_base", before.idtr.base, after.idtr.base);
  number("idtr_limit", before.idtr.limit, after.idtr.limit);
  numbered("dr", before.dr, after.dr);
  numbered("mtrr_fixed", before.mtrr_fixed, after.mtrr_fixed);
  numbered("mtrr_variable", before.mtrr_variable, after.mtrr_variable);
  wide("xmm", before.xmm, after.xmm, 16);
  number("mxcsr", before.mxcsr, after.mxcsr);
  wide("st", before.st, after.st, 10);
  number("fpu_control", before.fpu_control, after.fpu_control);
  number("fpu_status", before.fpu_status, after.fpu_status);
  number("fpu_tag", before.fpu_tag, after.fpu_tag);
  number("activity", static_cast<unsigned>(before.activity), static_cast<unsigned>(after.activity));
  number("interrupt_shadow", before.interrupt_shadow, after.interrupt_shadow);
  number("nmi_blocked", before.nmi_blocked, after.nmi_blocked);
  number("nmi_pending", before.nmi_pending, after.nmi_pending);
  number("debug_blocked", before.debug_blocked, after.debug_blocked);
  return changes;
}

std::string_view short_mode(CpuMode mode) {
  switch (mode) {
    case CpuMode::real:
      return "real";
    case CpuMode::virtual_8086:
      return "v86";
    case CpuMode::protected16:
      return "16";
    case CpuMode::protected32:
      return "32";
    case CpuMode::compat16:
      return "c16";
    case CpuMode::compat32:
      return "c32";
    case CpuMode::long64:
      return "64";
  }
  return "";
}

std::string_view kind_name(StepKind kind) {
  switch (kind) {
    case StepKind::instruction:
      return "instruction";
    case StepKind::exception:
      return "exception";
    case StepKind::interrupt:
      return "interrupt";
    case StepKind::delivery:
      return "delivery";
    case StepKind::wait:
      return "wait";
  }
  return "";
}

/// Which vector's handler the CPU stands at the first instruction of. Nothing: none, or several. Source: SDM 3A 6.10,
/// 6.14.1, 20.1.4.
std::optional<std::uint8_t> vector_of_handler(GuestMemory& memory, const CpuState& cpu) {
  const CpuMode mode = cpu_mode(cpu);
  const std::size_t gate_bytes = mode == CpuMode::real ? 4 : (cpu.efer & 0x400) ? 16 : 8;
  const std::uint64_t selector = cpu.segment[unsigned(SegmentName::cs)].selector;
  std::array<std::uint8_t, 256 * 16> table{};
  const std::size_t size = std::min<std::size_t>(256 * gate_bytes, std::size_t{cpu.idtr.limit} + 1);
  const std::size_t known = read_linear(cpu, memory, cpu.idtr.base, MutableBytes(table.data(), size)) / gate_bytes;
  std::optional<std::uint8_t> found;
  for (std::size_t i = 0; i < known; ++i) {
    std::uint64_t gate[2] = {};
    std::memcpy(gate, table.data() + i * gate_bytes, gate_bytes);
    std::uint64_t target = gate[0] & 0xffff;
    if (mode != CpuMode::real) {
      const std::uint64_t type = gate[0] >> 40 & 0x9f;  // P and type: 0x8e, 0x8f, and 0x86, 0x87 with 16 bits
      if ((type & 0x96) != 0x86) continue;
      if (type & 8) target |= gate[0] >> 32 & 0xffff'0000;
      target |= gate[1] << 32;
    }
    if (target != cpu.rip || ((gate[0] >> 16 ^ selector) & ~std::uint64_t{mode == CpuMode::real ? 0u : 3u} & 0xffff))
      continue;
    if (found) return std::nullopt;
    found = static_cast<std::uint8_t>(i);
  }
  return found;
}

std::string quoted(std::string_view text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) all += c;
  }
  return all + "\"";
}

std::string vector_text(const InstructionStep& step) {
  if (!step.vector) return "";
  const unsigned vector = *step.vector;
  const bool named = step.kind == StepKind::exception || vector == nmi_vector;
  if (named && vector < std::size(exception_names) && *exception_names[vector])
    return fmt::format(" {}", exception_names[vector]);
  return fmt::format(" {:#x}", vector);
}

}  // namespace

InstructionStep make_step(GuestMemory& memory, const CpuState& before, const CpuState& after, Boundary begin,
                          Boundary end) {
  InstructionStep step{begin, end, before, after, StepKind::instruction, std::nullopt, {}};
  if (end.delivered != 0 || end.tick == begin.tick) {
    step.kind = StepKind::delivery;
    step.vector = vector_of_handler(memory, after);
    // In real mode interrupts have the vectors of exceptions, as the PIC was set up.
    if (step.vector == nmi_vector || (step.vector && *step.vector >= first_interrupt_vector)) {
      step.kind = StepKind::interrupt;
    } else if (step.vector && cpu_mode(after) != CpuMode::real) {
      step.kind = StepKind::exception;
    }
    return step;
  }
  if (before.activity != Activity::running) {
    step.kind = StepKind::wait;
    return step;
  }
  step.code.resize(instruction_max_bytes);
  step.code.resize(read_linear(before, memory, linear_rip(before), step.code));
  return step;
}

std::string trace_header(TraceFormat format) {
  if (format == TraceFormat::json) {
    return "{\"format\": \"lockstitch instructions\", \"version\": 1, \"numbers\": \"hexadecimal strings\"}\n";
  }
  return "# lockstitch instructions, version 1: tick+delivered mode/cpl rip bytes instruction | what it changed\n";
}

std::string trace_line(const InstructionStep& step, TraceFormat format, const SymbolTable* symbols) {
  const auto symbol_at = [symbols](const CpuState& cpu) {
    return symbols != nullptr ? symbols->name_at(linear_rip(cpu)) : std::string();
  };
  InstructionText text;
  if (step.kind == StepKind::instruction) {
    text = instruction_text(step.before, step.code, symbols);
  } else if (step.kind == StepKind::wait) {
    text.text = "(waits)";
  } else {
    const std::string handler = symbol_at(step.after);
    text.text = fmt::format("({}{} to {:#x}{})", kind_name(step.kind), vector_text(step), step.after.rip,
                            handler.empty() ? "" : fmt::format(" <{}>", handler));
  }
  std::string bytes;
  for (unsigned i = 0; i < text.bytes && i < step.code.size(); ++i) bytes += fmt::format("{:02x}", step.code[i]);
  const CpuMode mode = cpu_mode(step.before);
  const unsigned cpl = privilege_level(step.before);
  const std::string symbol = symbol_at(step.before);
  const Changes changes = changes_of(step.before, step.after);

  if (format == TraceFormat::json) {
    std::string line = fmt::format(
        "{{\"tick\": {}, \"delivered\": {}, \"kind\": \"{}\", \"mode\": \"{}\", \"cpl\": {}, \"rip\": \"{:#x}\", "
        "\"linear\": \"{:#x}\", \"bytes\": \"{}\", \"text\": {}",
        step.begin.tick.value, step.begin.delivered, kind_name(step.kind), short_mode(mode), cpl, step.before.rip,
        linear_rip(step.before), bytes, quoted(text.text));
    if (step.vector) line += fmt::format(", \"vector\": {}", *step.vector);
    if (!symbol.empty()) line += fmt::format(", \"symbol\": {}", quoted(symbol));
    line += fmt::format(", \"next\": \"{:#x}\", \"changed\": {{", step.after.rip);
    for (std::size_t i = 0; i < changes.size(); ++i) {
      line += fmt::format("{}\"{}\": \"{}\"", i == 0 ? "" : ", ", changes[i].first, changes[i].second);
    }
    return line + "}}";
  }

  std::string line = fmt::format("{}", step.begin.tick.value);
  if (step.begin.delivered != 0) line += fmt::format("+{}", step.begin.delivered);
  line += fmt::format(" {}/{} ", short_mode(mode), cpl);
  if (mode == CpuMode::real || mode == CpuMode::virtual_8086) {
    line += fmt::format("{:04x}:{:04x} ", step.before.segment[unsigned(SegmentName::cs)].selector, step.before.rip);
  } else {
    line += fmt::format("{:#x} ", step.before.rip);
  }
  if (!symbol.empty()) line += fmt::format("<{}> ", symbol);
  line += bytes.empty() ? text.text : fmt::format("{:<16} {}", bytes, text.text);
  if (changes.empty()) return line;
  line = fmt::format("{:<88} |", line);
  for (const auto& [name, value] : changes) {
    line += fmt::format(" {}={}", name, value);
    if (name == "rflags") line += flag_names(step.after.rflags);
  }
  return line;
}

}  // namespace lockstitch::debug
