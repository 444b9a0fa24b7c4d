// See instruction_text.h.
#include "vmm/debug/instruction_text.h"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include "vmm/debug/system_text.h"

namespace lockstitch::debug {
namespace {

ZydisDecoder decoder_of(CpuMode mode) {
  ZydisDecoder decoder;
  switch (mode) {
    case CpuMode::real:
    case CpuMode::virtual_8086:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16);
      break;
    case CpuMode::protected16:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
      break;
    case CpuMode::protected32:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
      break;
    case CpuMode::compat16:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16);
      break;
    case CpuMode::compat32:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
      break;
    case CpuMode::long64:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
      break;
  }
  return decoder;
}

const ZydisFormatter& intel_formatter() {
  static const ZydisFormatter formatter = [] {
    ZydisFormatter made;
    ZydisFormatterInit(&made, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&made, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    for (const auto padding : {ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_FORMATTER_PROP_ADDR_PADDING_RELATIVE,
                               ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_FORMATTER_PROP_IMM_PADDING}) {
      ZydisFormatterSetProperty(&made, padding, ZYDIS_PADDING_DISABLED);
    }
    return made;
  }();
  return formatter;
}

/// The segments FS and GS begin somewhere else.
bool is_linear(const ZydisDecodedOperand& operand) {
  return operand.type != ZYDIS_OPERAND_TYPE_MEMORY ||
         (operand.mem.segment != ZYDIS_REGISTER_FS && operand.mem.segment != ZYDIS_REGISTER_GS);
}

}  // namespace

InstructionText instruction_text(const CpuState& cpu, Bytes code, const SymbolTable* symbols) {
  const ZydisDecoder decoder = decoder_of(cpu_mode(cpu));
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &instruction, operands))) {
    return {"(bad)", 0};
  }
  char text[192];
  if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&intel_formatter(), &instruction, operands,
                                                    instruction.operand_count_visible, text, sizeof text, cpu.rip,
                                                    nullptr))) {
    return {"(bad)", 0};
  }
  InstructionText found{text, instruction.length};
  if (symbols == nullptr) return found;
  for (unsigned i = 0; i < instruction.operand_count_visible; ++i) {
    ZyanU64 target = 0;
    if (!is_linear(operands[i])) continue;
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operands[i], cpu.rip, &target))) continue;
    if (const std::string name = symbols->name_at(target); !name.empty()) found.text += fmt::format(" <{}>", name);
    break;
  }
  return found;
}

}  // namespace lockstitch::debug
