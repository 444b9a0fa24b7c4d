// See instruction_text.h.
#include "vmm/debug/instruction_text.h"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

namespace lockstitch::debug {
namespace {

ZydisDecoder decoder_of(const CpuState& cpu) {
  const std::uint32_t attributes = cpu.segment[unsigned(SegmentName::cs)].attributes;
  const bool real = !(cpu.cr0 & 1) || (cpu.rflags & 0x2'0000);
  ZydisDecoder decoder;
  if ((cpu.efer & 0x400) && (attributes & 0x2000)) {
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  } else if (!real && (attributes & 0x4000)) {
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  } else {
    ZydisDecoderInit(&decoder, real ? ZYDIS_MACHINE_MODE_REAL_16 : ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
  }
  return decoder;
}

}  // namespace

InstructionText instruction_text(const CpuState& cpu, Bytes code, const SymbolTable* symbols) {
  const ZydisDecoder decoder = decoder_of(cpu);
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &instruction, operands))) {
    return {"(bad)", 0};
  }
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  char text[128];
  ZydisFormatterFormatInstruction(&formatter, &instruction, operands, instruction.operand_count_visible, text,
                                  sizeof text, cpu.rip, nullptr);
  InstructionText found{text, instruction.length};
  if (symbols == nullptr) return found;
  for (unsigned i = 0; i < instruction.operand_count_visible; ++i) {
    ZyanU64 target = 0;
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operands[i], cpu.rip, &target))) continue;
    if (const std::string name = symbols->name_at(target); !name.empty()) found.text += fmt::format(" <{}>", name);
    break;
  }
  return found;
}

}  // namespace lockstitch::debug
