// Near branches: JMP, Jcc, CALL, RET, LOOP, JCXZ. Direct ones go through links, indirect ones through the jump cache.
#include "vmm/engine/interp/branch.h"

#include "vmm/engine/interp/condition.h"
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/segments.h"
#include "vmm/engine/interp/stack.h"

namespace lockstitch::interp {
namespace {

// Target of a direct branch outside 64-bit mode: wrapped to the operand size and inside CS. Fails: #GP(0).
std::uint64_t narrow_target(Cpu& cpu, const Op* op, std::uint64_t target) {
  target &= operand_size(op) == 2 ? 0xffff : 0xffff'ffff;
  if (target > cpu.segment[cs].limit) {
    cpu.op = op;
    raise(cpu, Vector::gp, 0);
  }
  return target;
}
std::uint64_t direct_target(Cpu& cpu, const Op* op) { return narrow_target(cpu, op, cpu.rip_base + op->imm); }

// Leaves to a computed target in any mode; op has not been retired-checked yet.
#define LS_GO_ANY(cpu_, op_, target_)                 \
  do {                                                \
    const std::uint64_t any_target = (target_);       \
    if ((cpu_).code64()) {                            \
      if (!canonical(any_target)) [[unlikely]] {      \
        (cpu_).op = (op_);                            \
        raise((cpu_), Vector::gp, 0);                 \
      }                                               \
      LS_GO_INDIRECT(cpu_, any_target);               \
    }                                                 \
    (cpu_).rip = any_target;                          \
    (cpu_).block = nullptr;                           \
    return;                                           \
  } while (0)

template <unsigned cc>
void jcc64(Cpu& cpu, const Op* op) {
  if (condition<cc>(cpu)) LS_GO(cpu, op, 1, cpu.rip_base + op->imm);
  LS_GO(cpu, op, 0, cpu.rip_base + static_cast<std::int64_t>(op->off) + op->len);
}
template <unsigned cc>
void jcc_any(Cpu& cpu, const Op* op) {
  if (condition<cc>(cpu)) LS_GO(cpu, op, 1, direct_target(cpu, op));
  LS_GO(cpu, op, 0, next_rip(cpu, op));
}
Handler bind_jcc(const Decoded& d, Op&) {
  const bool code64 = (d.mode & mode_code_mask) == mode_code64;
  return by_condition(d.opcode, [&]<unsigned cc>() -> Handler { return code64 ? jcc64<cc> : jcc_any<cc>; });
}

void jmp64(Cpu& cpu, const Op* op) { LS_GO(cpu, op, 1, cpu.rip_base + op->imm); }
void jmp_any(Cpu& cpu, const Op* op) { LS_GO(cpu, op, 1, direct_target(cpu, op)); }
Handler bind_jmp(const Decoded& d, Op&) { return (d.mode & mode_code_mask) == mode_code64 ? jmp64 : jmp_any; }

// LOOPNE, LOOPE, LOOP, JCXZ (E0..E3).
template <unsigned kind>
void loop_any(Cpu& cpu, const Op* op) {
  const std::uint64_t mask = ones(address_size(op));
  bool taken;
  if constexpr (kind == 3) {
    taken = (cpu.gpr[1] & mask) == 0;
  } else {
    const std::uint64_t count = (cpu.gpr[1] - 1) & mask;
    taken = count != 0;
    if constexpr (kind == 0) taken = taken && !(cpu.flags & flags_zf);
    if constexpr (kind == 1) taken = taken && (cpu.flags & flags_zf);
    const std::uint64_t target = taken && !cpu.code64() ? direct_target(cpu, op) : cpu.rip_base + op->imm;
    if (address_size(op) == 2)
      set_reg<std::uint16_t>(cpu, 8, static_cast<std::uint16_t>(count));
    else
      cpu.gpr[1] = count;
    if (taken) LS_GO(cpu, op, 1, target);
    LS_GO(cpu, op, 0, next_rip(cpu, op));
  }
  if (taken) LS_GO(cpu, op, 1, cpu.code64() ? cpu.rip_base + op->imm : direct_target(cpu, op));
  LS_GO(cpu, op, 0, next_rip(cpu, op));
}
template <unsigned kind>
Handler bind_loop(const Decoded&, Op&) {
  return loop_any<kind>;
}

// ---- CALL, RET ----

void call64_slow(Cpu& cpu, const Op* op) {
  cpu.op = op;
  push(cpu, next_rip(cpu, op), 8);
  LS_GO(cpu, op, 1, cpu.rip_base + op->imm);
}
void call64(Cpu& cpu, const Op* op) {
  const std::uint64_t sp = cpu.gpr[4] - 8;
  std::uint8_t* host = fast_write<8>(cpu, sp);
  if (!host) [[unlikely]]
    LS_TAIL(call64_slow, cpu, op);
  const std::uint64_t back = cpu.rip_base + static_cast<std::int64_t>(op->off) + op->len;
  std::memcpy(host, &back, 8);
  cpu.gpr[4] = sp;
  LS_GO(cpu, op, 1, cpu.rip_base + op->imm);
}
void call_any(Cpu& cpu, const Op* op) {
  const std::uint64_t target = direct_target(cpu, op);
  cpu.op = op;
  push(cpu, next_rip(cpu, op), operand_size(op));
  LS_GO(cpu, op, 1, target);
}
Handler bind_call(const Decoded& d, Op&) {
  if ((d.mode & mode_code_mask) != mode_code64) return call_any;
  return d.mode & mode_careful ? call64_slow : call64;
}

std::uint64_t load_target(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  if (op->extra & extra_mem) {
    if (size == 8) return load<std::uint64_t>(cpu, op);
    if (size == 4) return load<std::uint32_t>(cpu, op);
    return load<std::uint16_t>(cpu, op);
  }
  return reg64(cpu, op->m) & ones(size);
}
void jmp_indirect(Cpu& cpu, const Op* op) {
  std::uint64_t target = load_target(cpu, op);
  if (!cpu.code64()) target = narrow_target(cpu, op, target);
  LS_GO_ANY(cpu, op, target);
}
void jmp_reg64(Cpu& cpu, const Op* op) {
  const std::uint64_t target = reg64(cpu, op->m);
  LS_GO_ANY(cpu, op, target);
}
void call_indirect(Cpu& cpu, const Op* op) {
  std::uint64_t target = load_target(cpu, op);
  if (!cpu.code64())
    target = narrow_target(cpu, op, target);
  else if (!canonical(target))
    raise(cpu, Vector::gp, 0);
  cpu.op = op;
  push(cpu, next_rip(cpu, op), operand_size(op));
  LS_GO_ANY(cpu, op, target);
}
Handler bind_jmp_indirect(const Decoded& d, Op&) {
  return (d.mode & mode_code_mask) == mode_code64 && !d.memory ? jmp_reg64 : jmp_indirect;
}
Handler bind_call_indirect(const Decoded&, Op&) { return call_indirect; }

void ret_any(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  const std::uint64_t mask = stack_mask(cpu);
  std::uint64_t target = 0;
  read_linear(cpu, linear_for_read(cpu, ss, cpu.gpr[4] & mask, size), &target, size);
  if (!cpu.code64())
    target = narrow_target(cpu, op, target);
  else if (!canonical(target))
    raise(cpu, Vector::gp, 0);
  cpu.gpr[4] = (cpu.gpr[4] & ~mask) | ((cpu.gpr[4] + size + op->imm) & mask);
  LS_GO_ANY(cpu, op, target);
}
void ret64(Cpu& cpu, const Op* op) {
  const std::uint8_t* host = fast_read<8>(cpu, cpu.gpr[4]);
  if (!host) [[unlikely]]
    LS_TAIL(ret_any, cpu, op);
  std::uint64_t target;
  std::memcpy(&target, host, 8);
  if (!canonical(target)) [[unlikely]]
    LS_TAIL(ret_any, cpu, op);
  cpu.gpr[4] += 8 + op->imm;
  LS_GO_INDIRECT(cpu, target);
}
Handler bind_ret(const Decoded& d, Op&) {
  return (d.mode & (mode_code_mask | mode_careful)) == mode_code64 ? ret64 : ret_any;
}

constexpr std::uint32_t direct = attr::ends | attr::links;
constexpr std::uint32_t on_stack = attr::ends | attr::implicit_memory;

constexpr Row rows[] = {
#define LS_JCC_ROW(cc)                                                                            \
  {"jcc Jb (" #cc ")", Map::one, 0x70 + cc, direct, Size::f64, Imm::rel8, bind_jcc},              \
      {"jcc Jz (" #cc ")", Map::two, 0x80 + cc, direct, Size::f64, Imm::relz, bind_jcc}
    LS_JCC_ROW(0), LS_JCC_ROW(1), LS_JCC_ROW(2), LS_JCC_ROW(3), LS_JCC_ROW(4), LS_JCC_ROW(5), LS_JCC_ROW(6), LS_JCC_ROW(7),
    LS_JCC_ROW(8), LS_JCC_ROW(9), LS_JCC_ROW(10), LS_JCC_ROW(11), LS_JCC_ROW(12), LS_JCC_ROW(13), LS_JCC_ROW(14), LS_JCC_ROW(15),
    {"jmp Jb", Map::one, 0xeb, direct, Size::f64, Imm::rel8, bind_jmp},
    {"jmp Jz", Map::one, 0xe9, direct, Size::f64, Imm::relz, bind_jmp},
    {"loopne Jb", Map::one, 0xe0, direct, Size::f64, Imm::rel8, bind_loop<0>},
    {"loope Jb", Map::one, 0xe1, direct, Size::f64, Imm::rel8, bind_loop<1>},
    {"loop Jb", Map::one, 0xe2, direct, Size::f64, Imm::rel8, bind_loop<2>},
    {"jcxz Jb", Map::one, 0xe3, direct, Size::f64, Imm::rel8, bind_loop<3>},
    {"call Jz", Map::one, 0xe8, direct | attr::implicit_memory, Size::f64, Imm::relz, bind_call},
    {"call Ev", Map::one, 0xff, attr::modrm | on_stack, Size::f64, Imm::none, bind_call_indirect, 0, 2},
    {"jmp Ev", Map::one, 0xff, attr::modrm | attr::ends, Size::f64, Imm::none, bind_jmp_indirect, 0, 4},
    {"ret", Map::one, 0xc3, on_stack, Size::f64, Imm::none, bind_ret},
    {"ret Iw", Map::one, 0xc2, on_stack, Size::f64, Imm::iw, bind_ret},
};

}  // namespace

std::span<const Row> rows_branch() { return rows; }

}  // namespace lockstitch::interp
