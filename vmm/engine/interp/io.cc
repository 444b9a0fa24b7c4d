// IN, OUT, INS, OUTS with the I/O permission bitmap. Source: SDM 1 chapter 19.
#include "vmm/engine/interp/branch.h"
#include "vmm/engine/interp/chunk.h"
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/segments.h"

namespace lockstitch::interp {
namespace {

void check_permission(Cpu& cpu, unsigned port, unsigned size) {
  if (!cpu.protected_mode()) return;
  const unsigned iopl = cpu.other_flags >> 12 & 3;
  if (cpu.cpl <= iopl && !cpu.v86()) return;
  const Segment& task = cpu.segment[tr];
  if ((task.attributes & attribute::unusable) || !(task.attributes & 8) || task.limit < 0x67) raise(cpu, Vector::gp, 0);
  std::uint16_t map = 0;
  read_system(cpu, task.base + 0x66, &map, 2);
  const unsigned at = map + port / 8;
  if (at + 1 > task.limit) raise(cpu, Vector::gp, 0);
  std::uint16_t bits = 0;
  read_system(cpu, task.base + at, &bits, 2);
  if (bits >> (port & 7) & ((1u << size) - 1)) raise(cpu, Vector::gp, 0);
}

// Breakpoints on ports (SDM 3B 17.2.4): a trap after the instruction.
void check_breakpoints(Cpu& cpu, unsigned port, unsigned size) {
  if (!(cpu.cr4 & cr4::de) || !(cpu.dr[7] & 0xff)) return;
  for (unsigned i = 0; i < 4; ++i) {
    if (!(cpu.dr[7] >> (2 * i) & 3) || (cpu.dr[7] >> (16 + 4 * i) & 3) != 2) continue;
    const unsigned length = (cpu.dr[7] >> (18 + 4 * i) & 3) + 1;
    const std::uint64_t from = cpu.dr[i] & ~std::uint64_t{length - 1};
    if (port < from + length && from < port + size) cpu.debug_status |= 1ull << i;
  }
}

std::uint64_t port_in(Cpu& cpu, unsigned port, unsigned size) {
  check_breakpoints(cpu, port, size);
  return leave_door(cpu, {ExitKind::port_read, static_cast<std::uint8_t>(size), port, 0, {}}).value & ones(size);
}
void port_out(Cpu& cpu, unsigned port, unsigned size, std::uint64_t value) {
  check_breakpoints(cpu, port, size);
  leave_door(cpu, {ExitKind::port_write, static_cast<std::uint8_t>(size), port, value & ones(size), {}});
}

template <bool from_dx>
unsigned port_of(const Cpu& cpu, const Op* op) {
  return from_dx ? cpu.gpr[2] & 0xffff : op->imm & 0xff;
}
unsigned port_size(const Op* op) { return std::min(operand_size(op), 4u); }

template <bool from_dx>
void in_port(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = port_size(op), port = port_of<from_dx>(cpu, op);
  check_permission(cpu, port, size);
  const std::uint64_t value = port_in(cpu, port, size);
  if (size == 1)
    set_reg<std::uint8_t>(cpu, 0, static_cast<std::uint8_t>(value));
  else if (size == 2)
    set_reg<std::uint16_t>(cpu, 0, static_cast<std::uint16_t>(value));
  else
    cpu.gpr[0] = value;
  LS_FINISH(cpu, op);
}
template <bool from_dx>
void out_port(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = port_size(op), port = port_of<from_dx>(cpu, op);
  check_permission(cpu, port, size);
  port_out(cpu, port, size, cpu.gpr[0]);
  LS_FINISH(cpu, op);
}

void ins_element(Cpu& cpu, const Op* op, unsigned size) {
  const unsigned address = address_size(op);
  const std::uint64_t offset = cpu.gpr[7] & ones(address);
  const std::uint64_t linear = linear_for_write(cpu, es, offset, size);
  check_write_linear(cpu, linear, size);
  const std::uint64_t value = port_in(cpu, cpu.gpr[2] & 0xffff, size);
  write_linear(cpu, linear, &value, size);
  const std::uint64_t step = cpu.other_flags & flag::df ? 0 - std::uint64_t{size} : size;
  write_address_register(cpu, 7, cpu.gpr[7] + step, address);
}
void outs_element(Cpu& cpu, const Op* op, unsigned size) {
  const unsigned address = address_size(op);
  std::uint64_t value = 0;
  read_linear(cpu, linear_for_read(cpu, op->seg, cpu.gpr[6] & ones(address), size), &value, size);
  port_out(cpu, cpu.gpr[2] & 0xffff, size, value);
  const std::uint64_t step = cpu.other_flags & flag::df ? 0 - std::uint64_t{size} : size;
  write_address_register(cpu, 6, cpu.gpr[6] + step, address);
}

template <bool input>
void port_string(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = port_size(op);
  check_permission(cpu, cpu.gpr[2] & 0xffff, size);
  input ? ins_element(cpu, op, size) : outs_element(cpu, op, size);
  LS_FINISH(cpu, op);
}
template <bool input>
void port_string_repeated(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = port_size(op), address = address_size(op);
  const std::uint64_t mask = ones(address);
  check_permission(cpu, cpu.gpr[2] & 0xffff, size);
  std::uint64_t count = cpu.gpr[1] & mask;
  if (count > 0) {
    const unsigned segment = input ? es : op->seg;
    count = std::min(count, elements_to_page_end(cpu, segment, cpu.gpr[input ? 7 : 6] & mask, size));
    if (one_at_a_time(cpu)) count = 1;
    for (; count > 0; --count) {
      input ? ins_element(cpu, op, size) : outs_element(cpu, op, size);
      write_address_register(cpu, 1, cpu.gpr[1] - 1, address);
    }
  }
  LS_LEAVE_CHUNK(cpu, op, (cpu.gpr[1] & mask) == 0);
}

template <Handler h>
Handler bind_fixed(const Decoded&, Op&) {
  return h;
}

constexpr std::uint32_t system = attr::system, memory = attr::system | attr::implicit_memory, ends = memory | attr::ends;

constexpr Row rows[] = {
    {"in AL,Ib", Map::one, 0xe4, system, Size::b, Imm::ib, bind_fixed<in_port<false>>},
    {"in eAX,Ib", Map::one, 0xe5, system, Size::v, Imm::ib, bind_fixed<in_port<false>>},
    {"out Ib,AL", Map::one, 0xe6, system, Size::b, Imm::ib, bind_fixed<out_port<false>>},
    {"out Ib,eAX", Map::one, 0xe7, system, Size::v, Imm::ib, bind_fixed<out_port<false>>},
    {"in AL,DX", Map::one, 0xec, system, Size::b, Imm::none, bind_fixed<in_port<true>>},
    {"in eAX,DX", Map::one, 0xed, system, Size::v, Imm::none, bind_fixed<in_port<true>>},
    {"out DX,AL", Map::one, 0xee, system, Size::b, Imm::none, bind_fixed<out_port<true>>},
    {"out DX,eAX", Map::one, 0xef, system, Size::v, Imm::none, bind_fixed<out_port<true>>},
    {"rep insb", Map::one, 0x6c, ends, Size::b, Imm::none, bind_fixed<port_string_repeated<true>>, 0, -1, Prefix::pf3},
    {"repne insb", Map::one, 0x6c, ends, Size::b, Imm::none, bind_fixed<port_string_repeated<true>>, 0, -1, Prefix::pf2},
    {"insb", Map::one, 0x6c, memory, Size::b, Imm::none, bind_fixed<port_string<true>>},
    {"rep insv", Map::one, 0x6d, ends, Size::v, Imm::none, bind_fixed<port_string_repeated<true>>, 0, -1, Prefix::pf3},
    {"repne insv", Map::one, 0x6d, ends, Size::v, Imm::none, bind_fixed<port_string_repeated<true>>, 0, -1, Prefix::pf2},
    {"insv", Map::one, 0x6d, memory, Size::v, Imm::none, bind_fixed<port_string<true>>},
    {"rep outsb", Map::one, 0x6e, ends, Size::b, Imm::none, bind_fixed<port_string_repeated<false>>, 0, -1, Prefix::pf3},
    {"repne outsb", Map::one, 0x6e, ends, Size::b, Imm::none, bind_fixed<port_string_repeated<false>>, 0, -1, Prefix::pf2},
    {"outsb", Map::one, 0x6e, memory, Size::b, Imm::none, bind_fixed<port_string<false>>},
    {"rep outsv", Map::one, 0x6f, ends, Size::v, Imm::none, bind_fixed<port_string_repeated<false>>, 0, -1, Prefix::pf3},
    {"repne outsv", Map::one, 0x6f, ends, Size::v, Imm::none, bind_fixed<port_string_repeated<false>>, 0, -1, Prefix::pf2},
    {"outsv", Map::one, 0x6f, memory, Size::v, Imm::none, bind_fixed<port_string<false>>},
};

}  // namespace

std::span<const Row> rows_io() { return rows; }

}  // namespace lockstitch::interp
