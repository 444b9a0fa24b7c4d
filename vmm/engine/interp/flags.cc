// RFLAGS: PUSHF, POPF, LAHF, SAHF, CLC..STD, CLI, STI, with IOPL, V86 and VME rules. Source: SDM 2, SDM 3B 20.2-20.3.
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/stack.h"

namespace lockstitch::interp {
namespace {

unsigned iopl(const Cpu& cpu) { return cpu.other_flags >> 12 & 3; }
bool virtual_interrupts(const Cpu& cpu) {
  return (cpu.v86() && (cpu.cr4 & cr4::vme)) || (cpu.protected_mode() && !cpu.v86() && (cpu.cr4 & cr4::pvi) && cpu.cpl == 3);
}

void pushf(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  std::uint64_t value = rflags(cpu) & ~(flag::vm | flag::rf);
  if (cpu.v86() && iopl(cpu) < 3) {
    if (size != 2 || !(cpu.cr4 & cr4::vme)) raise(cpu, Vector::gp, 0);
    value = (value & ~flag::if_) | flag::iopl | (value & flag::vif ? flag::if_ : 0);
  }
  push(cpu, value, size);
  LS_FINISH(cpu, op);
}

void popf(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  std::uint64_t changeable = flag::status | flag::tf | flag::df | flag::nt;
  if (size >= 4) changeable |= flag::ac | flag::id;
  bool to_vif = false;
  if (cpu.v86() && iopl(cpu) < 3) {
    if (size != 2 || !(cpu.cr4 & cr4::vme)) raise(cpu, Vector::gp, 0);
    to_vif = true;
  } else if (cpu.cpl == 0) {
    changeable |= flag::iopl | flag::if_;
  } else if (cpu.cpl <= iopl(cpu)) {
    changeable |= flag::if_;
  }
  const std::uint64_t value = peek(cpu, 0, size);
  if (to_vif && ((value & flag::tf) || ((value & flag::if_) && (cpu.other_flags & flag::vip)))) raise(cpu, Vector::gp, 0);
  release(cpu, size);
  std::uint64_t now = (rflags(cpu) & ~changeable) | (value & changeable);
  now &= ~flag::rf;
  if (to_vif) now = value & flag::if_ ? now | flag::vif : now & ~flag::vif;
  const bool ac_changed = (now ^ cpu.other_flags) & flag::ac;
  set_status_flags(cpu, now);
  cpu.other_flags = (now & ~flag::status) | 2;
  if (ac_changed) mode_changed(cpu);
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}

void cli(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if (!cpu.protected_mode() || iopl(cpu) >= cpu.cpl)
    cpu.other_flags &= ~flag::if_;
  else if (virtual_interrupts(cpu))
    cpu.other_flags &= ~flag::vif;
  else
    raise(cpu, Vector::gp, 0);
  LS_NEXT(cpu, op);
}
void sti(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if (!cpu.protected_mode() || iopl(cpu) >= cpu.cpl) {
    if (!(cpu.other_flags & flag::if_)) cpu.shadow = true;
    cpu.other_flags |= flag::if_;
  } else if (virtual_interrupts(cpu) && !(cpu.other_flags & flag::vip)) {
    cpu.other_flags |= flag::vif;
  } else {
    raise(cpu, Vector::gp, 0);
  }
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}

void lahf(Cpu& cpu, const Op* op) {
  set_reg<std::uint8_t>(cpu, 1, static_cast<std::uint8_t>(cpu.flags >> 8));
  LS_NEXT(cpu, op);
}
void sahf(Cpu& cpu, const Op* op) {
  const unsigned ah = reg<std::uint8_t>(cpu, 1);
  cpu.flags = static_cast<std::uint16_t>(((ah & 0xd5) | 2) << 8 | (cpu.flags & flags_of));
  LS_NEXT(cpu, op);
}
void clc(Cpu& cpu, const Op* op) {
  cpu.flags &= static_cast<std::uint16_t>(~flags_cf);
  LS_NEXT(cpu, op);
}
void stc(Cpu& cpu, const Op* op) {
  cpu.flags |= flags_cf;
  LS_NEXT(cpu, op);
}
void cmc(Cpu& cpu, const Op* op) {
  cpu.flags ^= flags_cf;
  LS_NEXT(cpu, op);
}
void cld(Cpu& cpu, const Op* op) {
  cpu.other_flags &= ~flag::df;
  LS_NEXT(cpu, op);
}
void std_(Cpu& cpu, const Op* op) {
  cpu.other_flags |= flag::df;
  LS_NEXT(cpu, op);
}
void salc(Cpu& cpu, const Op* op) {
  set_reg<std::uint8_t>(cpu, 0, cpu.flags & flags_cf ? 0xff : 0);
  LS_NEXT(cpu, op);
}

template <Handler h>
Handler bind_fixed(const Decoded&, Op&) {
  return h;
}

constexpr Row rows[] = {
    {"pushf", Map::one, 0x9c, attr::implicit_memory, Size::v64, Imm::none, bind_fixed<pushf>},
    {"popf", Map::one, 0x9d, attr::implicit_memory | attr::ends, Size::v64, Imm::none, bind_fixed<popf>},
    {"cli", Map::one, 0xfa, attr::system, Size::v, Imm::none, bind_fixed<cli>},
    {"sti", Map::one, 0xfb, attr::system | attr::ends, Size::v, Imm::none, bind_fixed<sti>},
    {"lahf", Map::one, 0x9f, 0, Size::b, Imm::none, bind_fixed<lahf>},
    {"sahf", Map::one, 0x9e, 0, Size::b, Imm::none, bind_fixed<sahf>},
    {"clc", Map::one, 0xf8, 0, Size::b, Imm::none, bind_fixed<clc>},
    {"stc", Map::one, 0xf9, 0, Size::b, Imm::none, bind_fixed<stc>},
    {"cmc", Map::one, 0xf5, 0, Size::b, Imm::none, bind_fixed<cmc>},
    {"cld", Map::one, 0xfc, 0, Size::b, Imm::none, bind_fixed<cld>},
    {"std", Map::one, 0xfd, 0, Size::b, Imm::none, bind_fixed<std_>},
    {"salc", Map::one, 0xd6, attr::not64, Size::b, Imm::none, bind_fixed<salc>},
};

}  // namespace

std::span<const Row> rows_flags() { return rows; }

}  // namespace lockstitch::interp
