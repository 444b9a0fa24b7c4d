// PUSH, POP, PUSHA, POPA, ENTER, LEAVE. PUSHF and POPF are in flags.cc.
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/segments.h"
#include "vmm/engine/interp/stack.h"

namespace lockstitch::interp {

void push(Cpu& cpu, std::uint64_t value, unsigned size) {
  const std::uint64_t mask = stack_mask(cpu);
  const std::uint64_t sp = (cpu.gpr[4] - size) & mask;
  write_linear(cpu, linear_for_write(cpu, ss, sp, size), &value, size);
  cpu.gpr[4] = (cpu.gpr[4] & ~mask) | sp;
}

std::uint64_t peek(Cpu& cpu, unsigned offset, unsigned size) {
  std::uint64_t value = 0;
  const std::uint64_t sp = (cpu.gpr[4] + offset) & stack_mask(cpu);
  read_linear(cpu, linear_for_read(cpu, ss, sp, size), &value, size);
  return value;
}

void release(Cpu& cpu, std::uint64_t bytes) {
  const std::uint64_t mask = stack_mask(cpu);
  cpu.gpr[4] = (cpu.gpr[4] & ~mask) | ((cpu.gpr[4] + bytes) & mask);
}

namespace {

void write_register(Cpu& cpu, unsigned offset, std::uint64_t value, unsigned size) {
  if (size == 2)
    set_reg<std::uint16_t>(cpu, offset, static_cast<std::uint16_t>(value));
  else
    reg<std::uint64_t>(cpu, offset) = value;
}

// ---- fast 64-bit forms ----

void push_reg_slow(Cpu& cpu, const Op* op) {
  cpu.op = op;
  push(cpu, reg64(cpu, op->r), operand_size(op));
  LS_FINISH(cpu, op);
}
void push_reg64(Cpu& cpu, const Op* op) {
  const std::uint64_t sp = cpu.gpr[4] - 8;
  std::uint8_t* host = fast_write<8>(cpu, sp);
  if (!host) [[unlikely]]
    LS_TAIL(push_reg_slow, cpu, op);
  const std::uint64_t value = reg64(cpu, op->r);
  std::memcpy(host, &value, 8);
  cpu.gpr[4] = sp;
  LS_NEXT(cpu, op);
}
void pop_reg_slow(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  const std::uint64_t value = peek(cpu, 0, size);
  release(cpu, size);
  write_register(cpu, op->r, value, size);
  LS_FINISH(cpu, op);
}
void pop_reg64(Cpu& cpu, const Op* op) {
  const std::uint8_t* host = fast_read<8>(cpu, cpu.gpr[4]);
  if (!host) [[unlikely]]
    LS_TAIL(pop_reg_slow, cpu, op);
  std::uint64_t value;
  std::memcpy(&value, host, 8);
  cpu.gpr[4] += 8;
  reg<std::uint64_t>(cpu, op->r) = value;
  LS_NEXT(cpu, op);
}
bool fast_stack(const Decoded& d) { return (d.mode & (mode_code_mask | mode_careful)) == mode_code64 && d.size == 8; }
Handler bind_push_reg(const Decoded& d, Op&) { return fast_stack(d) ? push_reg64 : push_reg_slow; }
Handler bind_pop_reg(const Decoded& d, Op&) { return fast_stack(d) ? pop_reg64 : pop_reg_slow; }

// ---- the others ----

void push_imm(Cpu& cpu, const Op* op) {
  cpu.op = op;
  push(cpu, op->imm, operand_size(op));
  LS_FINISH(cpu, op);
}
void push_e(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  std::uint64_t value;
  if (!(op->extra & extra_mem))
    value = reg64(cpu, op->m);
  else
    value = size == 8 ? load<std::uint64_t>(cpu, op) : size == 4 ? load<std::uint32_t>(cpu, op) : load<std::uint16_t>(cpu, op);
  push(cpu, value, size);
  LS_FINISH(cpu, op);
}
void pop_e(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  const std::uint64_t value = peek(cpu, 0, size);
  if (!(op->extra & extra_mem)) {
    release(cpu, size);
    write_register(cpu, op->m, value, size);
    LS_RETURN(cpu, op);
  }
  // The address is computed with RSP already incremented.
  const std::uint64_t old = cpu.gpr[4];
  release(cpu, size);
  const std::uint64_t offset = operand_offset(cpu, op);
  const std::uint64_t popped = cpu.gpr[4];
  cpu.gpr[4] = old;
  write_linear(cpu, linear_for_write(cpu, op->seg, offset, size), &value, size);
  cpu.gpr[4] = popped;
  LS_RETURN(cpu, op);
}

template <unsigned segment>
void push_segment(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  if (size == 4) {  // processors write only the selector
    const std::uint64_t mask = stack_mask(cpu);
    const std::uint64_t sp = (cpu.gpr[4] - 4) & mask;
    write_linear(cpu, linear_for_write(cpu, ss, sp, 2), &cpu.segment[segment].selector, 2);
    cpu.gpr[4] = (cpu.gpr[4] & ~mask) | sp;
  } else {
    push(cpu, cpu.segment[segment].selector, size);
  }
  LS_FINISH(cpu, op);
}
template <unsigned segment>
void pop_segment(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const auto selector = static_cast<std::uint16_t>(peek(cpu, 0, 2));
  const std::uint64_t mask = stack_mask(cpu);
  load_data_segment(cpu, segment, selector);
  cpu.gpr[4] = (cpu.gpr[4] & ~mask) | ((cpu.gpr[4] + operand_size(op)) & mask);
  if (segment == ss) {
    cpu.shadow = true;
    cpu.no_step_trap = true;
  }
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}

void pusha(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  const std::uint64_t mask = stack_mask(cpu), old = cpu.gpr[4];
  for (unsigned i = 0; i < 8; ++i) linear_for_write(cpu, ss, (old - size * (i + 1)) & mask, size);
  const std::uint64_t last = linear_for_write(cpu, ss, (old - size * 8) & mask, size);
  check_write_linear(cpu, last, size);
  const std::uint64_t values[8] = {cpu.gpr[0], cpu.gpr[1], cpu.gpr[2], cpu.gpr[3], old, cpu.gpr[5], cpu.gpr[6], cpu.gpr[7]};
  for (unsigned i = 0; i < 8; ++i) {
    const std::uint64_t sp = (old - size * (i + 1)) & mask;
    write_linear(cpu, linear_for_write(cpu, ss, sp, size), &values[i], size);
  }
  cpu.gpr[4] = (old & ~mask) | ((old - size * 8) & mask);
  LS_RETURN(cpu, op);
}
void popa(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  std::uint64_t values[8];
  for (unsigned i = 0; i < 8; ++i) values[i] = peek(cpu, i * size, size);
  for (unsigned i = 0; i < 8; ++i)
    if (7 - i != 4) write_register(cpu, (7 - i) * 8, values[i], size);
  release(cpu, size * 8);
  LS_RETURN(cpu, op);
}

void leave(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  const std::uint64_t mask = stack_mask(cpu), sp = cpu.gpr[5] & mask;
  std::uint64_t frame = 0;
  read_linear(cpu, linear_for_read(cpu, ss, sp, size), &frame, size);
  cpu.gpr[4] = (cpu.gpr[4] & ~mask) | ((sp + size) & mask);
  write_register(cpu, 5 * 8, frame, size);
  LS_RETURN(cpu, op);
}
void leave64(Cpu& cpu, const Op* op) {
  const std::uint8_t* host = fast_read<8>(cpu, cpu.gpr[5]);
  if (!host) [[unlikely]]
    LS_TAIL(leave, cpu, op);
  std::uint64_t frame;
  std::memcpy(&frame, host, 8);
  cpu.gpr[4] = cpu.gpr[5] + 8;
  cpu.gpr[5] = frame;
  LS_NEXT(cpu, op);
}
Handler bind_leave(const Decoded& d, Op&) { return fast_stack(d) ? leave64 : leave; }

void enter(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op), bytes = op->imm & 0xffff, level = op->imm >> 16 & 31;
  const std::uint64_t mask = stack_mask(cpu);
  std::uint64_t sp = cpu.gpr[4] & mask, bp = cpu.gpr[5] & mask;
  const auto put = [&](std::uint64_t value) {
    sp = (sp - size) & mask;
    write_linear(cpu, linear_for_write(cpu, ss, sp, size), &value, size);
  };
  put(cpu.gpr[5]);
  const std::uint64_t frame = sp;
  if (level > 0) {
    for (unsigned i = 1; i < level; ++i) {
      bp = (bp - size) & mask;
      std::uint64_t value = 0;
      read_linear(cpu, linear_for_read(cpu, ss, bp, size), &value, size);
      put(value);
    }
    put(frame);
  }
  sp = (sp - bytes) & mask;
  check_write_linear(cpu, linear_for_write(cpu, ss, sp, size), size);
  cpu.gpr[4] = (cpu.gpr[4] & ~mask) | sp;
  write_register(cpu, 5 * 8, (cpu.gpr[5] & ~mask) | frame, size);
  LS_RETURN(cpu, op);
}

template <Handler h>
Handler bind_fixed(const Decoded&, Op&) {
  return h;
}

constexpr std::uint32_t memory = attr::implicit_memory;
constexpr std::uint32_t segment_pop = attr::implicit_memory | attr::ends | attr::system;

constexpr Row rows[] = {
    {"push Zv", Map::one, 0x50, attr::opcode_reg | memory, Size::v64, Imm::none, bind_push_reg},
    {"pop Zv", Map::one, 0x58, attr::opcode_reg | memory, Size::v64, Imm::none, bind_pop_reg},
    {"push Iz", Map::one, 0x68, memory, Size::v64, Imm::iz, bind_fixed<push_imm>},
    {"push Ibs", Map::one, 0x6a, memory, Size::v64, Imm::ibs, bind_fixed<push_imm>},
    {"push Ev", Map::one, 0xff, attr::modrm | memory, Size::v64, Imm::none, bind_fixed<push_e>, 0, 6},
    {"pop Ev", Map::one, 0x8f, attr::modrm | memory, Size::v64, Imm::none, bind_fixed<pop_e>, 0, 0},
    {"push ES", Map::one, 0x06, memory | attr::not64, Size::v64, Imm::none, bind_fixed<push_segment<es>>},
    {"push CS", Map::one, 0x0e, memory | attr::not64, Size::v64, Imm::none, bind_fixed<push_segment<cs>>},
    {"push SS", Map::one, 0x16, memory | attr::not64, Size::v64, Imm::none, bind_fixed<push_segment<ss>>},
    {"push DS", Map::one, 0x1e, memory | attr::not64, Size::v64, Imm::none, bind_fixed<push_segment<ds>>},
    {"push FS", Map::two, 0xa0, memory, Size::v64, Imm::none, bind_fixed<push_segment<fs>>},
    {"push GS", Map::two, 0xa8, memory, Size::v64, Imm::none, bind_fixed<push_segment<gs>>},
    {"pop ES", Map::one, 0x07, segment_pop | attr::not64, Size::v64, Imm::none, bind_fixed<pop_segment<es>>},
    {"pop SS", Map::one, 0x17, segment_pop | attr::not64, Size::v64, Imm::none, bind_fixed<pop_segment<ss>>},
    {"pop DS", Map::one, 0x1f, segment_pop | attr::not64, Size::v64, Imm::none, bind_fixed<pop_segment<ds>>},
    {"pop FS", Map::two, 0xa1, segment_pop, Size::v64, Imm::none, bind_fixed<pop_segment<fs>>},
    {"pop GS", Map::two, 0xa9, segment_pop, Size::v64, Imm::none, bind_fixed<pop_segment<gs>>},
    {"pusha", Map::one, 0x60, memory | attr::not64, Size::v, Imm::none, bind_fixed<pusha>},
    {"popa", Map::one, 0x61, memory | attr::not64, Size::v, Imm::none, bind_fixed<popa>},
    {"enter Iw,Ib", Map::one, 0xc8, memory, Size::v64, Imm::iw_ib, bind_fixed<enter>},
    {"leave", Map::one, 0xc9, memory, Size::v64, Imm::none, bind_leave},
};

}  // namespace

std::span<const Row> rows_stack() { return rows; }

}  // namespace lockstitch::interp
