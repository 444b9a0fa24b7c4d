// MOV and its kin: MOVZX, MOVSX, MOVSXD, XCHG, LEA, CMOVcc, SETcc, BSWAP, CBW/CWD, XLAT, moffs forms, segment registers.
#include "vmm/engine/interp/condition.h"
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/segments.h"

namespace lockstitch::interp {
namespace {

// ---- MOV ----

template <class T>
void mov_e_g_reg(Cpu& cpu, const Op* op) {
  set_reg<T>(cpu, op->m, reg<T>(cpu, op->r));
  LS_NEXT(cpu, op);
}
template <class T>
void mov_g_e_reg(Cpu& cpu, const Op* op) {
  set_reg<T>(cpu, op->r, reg<T>(cpu, op->m));
  LS_NEXT(cpu, op);
}
template <class T>
void store_slow(Cpu& cpu, const Op* op) {
  store<T>(cpu, op, reg<T>(cpu, op->r));
  LS_FINISH(cpu, op);
}
template <class T>
void store_fast(Cpu& cpu, const Op* op) {
  std::uint8_t* host = fast_write<sizeof(T)>(cpu, fast_address(cpu, op));
  if (!host) [[unlikely]]
    LS_TAIL(store_slow<T>, cpu, op);
  const T value = reg<T>(cpu, op->r);
  std::memcpy(host, &value, sizeof(T));
  LS_NEXT(cpu, op);
}
template <class T>
void load_slow(Cpu& cpu, const Op* op) {
  set_reg<T>(cpu, op->r, load<T>(cpu, op));
  LS_FINISH(cpu, op);
}
template <class T>
void load_fast(Cpu& cpu, const Op* op) {
  const std::uint8_t* host = fast_read<sizeof(T)>(cpu, fast_address(cpu, op));
  if (!host) [[unlikely]]
    LS_TAIL(load_slow<T>, cpu, op);
  T value;
  std::memcpy(&value, host, sizeof(T));
  set_reg<T>(cpu, op->r, value);
  LS_NEXT(cpu, op);
}
template <class T>
void mov_i_reg(Cpu& cpu, const Op* op) {
  set_reg<T>(cpu, op->m, static_cast<T>(op->imm));
  LS_NEXT(cpu, op);
}
template <class T>
void store_i_slow(Cpu& cpu, const Op* op) {
  store<T>(cpu, op, static_cast<T>(op->imm));
  LS_FINISH(cpu, op);
}
template <class T>
void store_i_fast(Cpu& cpu, const Op* op) {
  std::uint8_t* host = fast_write<sizeof(T)>(cpu, fast_address(cpu, op));
  if (!host) [[unlikely]]
    LS_TAIL(store_i_slow<T>, cpu, op);
  const T value = static_cast<T>(op->imm);
  std::memcpy(host, &value, sizeof(T));
  LS_NEXT(cpu, op);
}

Handler bind_mov_e_g(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return !d.memory ? mov_e_g_reg<T> : d.fast ? store_fast<T> : store_slow<T>; });
}
Handler bind_mov_g_e(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return !d.memory ? mov_g_e_reg<T> : d.fast ? load_fast<T> : load_slow<T>; });
}
Handler bind_mov_e_i(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return !d.memory ? mov_i_reg<T> : d.fast ? store_i_fast<T> : store_i_slow<T>; });
}
Handler bind_mov_z_i(const Decoded& d, Op& op) {
  op.m = op.r;
  return by_size(d.size, []<class T>() -> Handler { return mov_i_reg<T>; });
}

// moffs: the address is the immediate.
template <class T>
void mov_a_o(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint64_t linear = linear_for_read(cpu, op->seg, op->imm, sizeof(T));
  T value;
  read_linear(cpu, linear, &value, sizeof(T));
  set_reg<T>(cpu, 0, value);
  LS_RETURN(cpu, op);
}
template <class T>
void mov_o_a(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint64_t linear = linear_for_write(cpu, op->seg, op->imm, sizeof(T));
  const T value = reg<T>(cpu, 0);
  write_linear(cpu, linear, &value, sizeof(T));
  LS_RETURN(cpu, op);
}
Handler bind_mov_a_o(const Decoded& d, Op&) {
  return by_size(d.size, []<class T>() -> Handler { return mov_a_o<T>; });
}
Handler bind_mov_o_a(const Decoded& d, Op&) {
  return by_size(d.size, []<class T>() -> Handler { return mov_o_a<T>; });
}

// ---- widening ----

template <class From, class To>
To widen(From value) {
  using Wide = std::conditional_t<std::is_signed_v<From>, std::make_signed_t<To>, To>;
  return static_cast<To>(static_cast<Wide>(value));
}
template <class From, class To>
void widen_reg(Cpu& cpu, const Op* op) {
  set_reg<To>(cpu, op->r, widen<From, To>(static_cast<From>(reg<std::make_unsigned_t<From>>(cpu, op->m))));
  LS_NEXT(cpu, op);
}
template <class From, class To>
void widen_slow(Cpu& cpu, const Op* op) {
  set_reg<To>(cpu, op->r, widen<From, To>(load<From>(cpu, op)));
  LS_FINISH(cpu, op);
}
template <class From, class To>
void widen_fast(Cpu& cpu, const Op* op) {
  const std::uint8_t* host = fast_read<sizeof(From)>(cpu, fast_address(cpu, op));
  if (!host) [[unlikely]]
    LS_TAIL((widen_slow<From, To>), cpu, op);
  From value;
  std::memcpy(&value, host, sizeof(From));
  set_reg<To>(cpu, op->r, widen<From, To>(value));
  LS_NEXT(cpu, op);
}
template <class From>
Handler bind_widen(const Decoded& d, Op&) {
  return by_wide_size(d.size, [&]<class To>() -> Handler {
    return !d.memory ? widen_reg<From, To> : d.fast ? widen_fast<From, To> : widen_slow<From, To>;
  });
}
// MOVSXD without REX.W is a plain move.
Handler bind_movsxd(const Decoded& d, Op& op) {
  if (d.size != 8) return bind_mov_g_e(d, op);
  return !d.memory ? widen_reg<std::int32_t, std::uint64_t>
                   : d.fast ? widen_fast<std::int32_t, std::uint64_t> : widen_slow<std::int32_t, std::uint64_t>;
}

void cbw(Cpu& cpu, const Op* op) {
  switch (operand_size(op)) {
    case 2: set_reg<std::uint16_t>(cpu, 0, widen<std::int8_t, std::uint16_t>(static_cast<std::int8_t>(cpu.gpr[0]))); break;
    case 4: set_reg<std::uint32_t>(cpu, 0, widen<std::int16_t, std::uint32_t>(static_cast<std::int16_t>(cpu.gpr[0]))); break;
    default: cpu.gpr[0] = widen<std::int32_t, std::uint64_t>(static_cast<std::int32_t>(cpu.gpr[0]));
  }
  LS_NEXT(cpu, op);
}
void cwd(Cpu& cpu, const Op* op) {
  switch (operand_size(op)) {
    case 2: set_reg<std::uint16_t>(cpu, 16, static_cast<std::uint16_t>(static_cast<std::int16_t>(cpu.gpr[0]) >> 15)); break;
    case 4: set_reg<std::uint32_t>(cpu, 16, static_cast<std::uint32_t>(static_cast<std::int32_t>(cpu.gpr[0]) >> 31)); break;
    default: cpu.gpr[2] = static_cast<std::uint64_t>(static_cast<std::int64_t>(cpu.gpr[0]) >> 63);
  }
  LS_NEXT(cpu, op);
}
Handler bind_cbw(const Decoded&, Op&) { return cbw; }
Handler bind_cwd(const Decoded&, Op&) { return cwd; }

// ---- LEA, XCHG, BSWAP, XLAT ----

template <class T>
void lea64(Cpu& cpu, const Op* op) {
  const std::uint64_t address = reg64(cpu, op->base) + (reg64(cpu, op->index) << op->scale) + static_cast<std::int64_t>(op->disp);
  set_reg<T>(cpu, op->r, static_cast<T>(address));
  LS_NEXT(cpu, op);
}
template <class T>
void lea_any(Cpu& cpu, const Op* op) {
  set_reg<T>(cpu, op->r, static_cast<T>(operand_offset(cpu, op)));
  LS_NEXT(cpu, op);
}
Handler bind_lea(const Decoded& d, Op& op) {
  return by_wide_size(d.size, [&]<class T>() -> Handler { return address_size(&op) == 8 ? lea64<T> : lea_any<T>; });
}

template <class T>
void xchg_reg(Cpu& cpu, const Op* op) {
  const T a = reg<T>(cpu, op->m), b = reg<T>(cpu, op->r);
  set_reg<T>(cpu, op->m, b);
  set_reg<T>(cpu, op->r, a);
  LS_NEXT(cpu, op);
}
template <class T>
void xchg_memory(Cpu& cpu, const Op* op) {
  Modify<T> memory(cpu, op);
  const T old = memory.read();
  memory.write(reg<T>(cpu, op->r));
  set_reg<T>(cpu, op->r, old);
  LS_FINISH(cpu, op);
}
Handler bind_xchg(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return d.memory ? xchg_memory<T> : xchg_reg<T>; });
}
void nop(Cpu& cpu, const Op* op) { LS_NEXT(cpu, op); }
// 90..97; plain 90 is NOP, with REX.B it is XCHG R8, RAX, with F3 it is PAUSE all the same.
Handler bind_xchg_a(const Decoded& d, Op& op) {
  op.m = 0;
  if (d.opcode == 0x90 && (!(d.rex & 1) || (op.extra & extra_rep))) return nop;
  return by_wide_size(d.size, []<class T>() -> Handler { return xchg_reg<T>; });
}
Handler bind_nop(const Decoded&, Op&) { return nop; }

void bswap32(Cpu& cpu, const Op* op) {
  set_reg<std::uint32_t>(cpu, op->r, __builtin_bswap32(reg<std::uint32_t>(cpu, op->r)));
  LS_NEXT(cpu, op);
}
void bswap64(Cpu& cpu, const Op* op) {
  reg<std::uint64_t>(cpu, op->r) = __builtin_bswap64(reg<std::uint64_t>(cpu, op->r));
  LS_NEXT(cpu, op);
}
void bswap16(Cpu& cpu, const Op* op) {  // undefined; zero, as processors do
  set_reg<std::uint16_t>(cpu, op->r, 0);
  LS_NEXT(cpu, op);
}
Handler bind_bswap(const Decoded& d, Op&) { return d.size == 8 ? bswap64 : d.size == 4 ? bswap32 : bswap16; }

void xlat(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint64_t offset = (cpu.gpr[3] + (cpu.gpr[0] & 0xff)) & ones(address_size(op));
  std::uint8_t value;
  read_linear(cpu, linear_for_read(cpu, op->seg, offset, 1), &value, 1);
  set_reg<std::uint8_t>(cpu, 0, value);
  LS_RETURN(cpu, op);
}
Handler bind_xlat(const Decoded&, Op&) { return xlat; }

// ---- SETcc, CMOVcc ----

template <unsigned cc>
void setcc_reg(Cpu& cpu, const Op* op) {
  set_reg<std::uint8_t>(cpu, op->m, condition<cc>(cpu));
  LS_NEXT(cpu, op);
}
template <unsigned cc>
void setcc_memory(Cpu& cpu, const Op* op) {
  store<std::uint8_t>(cpu, op, condition<cc>(cpu));
  LS_FINISH(cpu, op);
}
Handler bind_setcc(const Decoded& d, Op&) {
  return by_condition(d.opcode, [&]<unsigned cc>() -> Handler { return d.memory ? setcc_memory<cc> : setcc_reg<cc>; });
}
template <unsigned cc, class T>
void cmov_reg(Cpu& cpu, const Op* op) {
  set_reg<T>(cpu, op->r, condition<cc>(cpu) ? reg<T>(cpu, op->m) : reg<T>(cpu, op->r));
  LS_NEXT(cpu, op);
}
template <unsigned cc, class T>
void cmov_memory(Cpu& cpu, const Op* op) {
  const T value = load<T>(cpu, op);
  set_reg<T>(cpu, op->r, condition<cc>(cpu) ? value : reg<T>(cpu, op->r));
  LS_FINISH(cpu, op);
}
Handler bind_cmov(const Decoded& d, Op&) {
  return by_condition(d.opcode, [&]<unsigned cc>() -> Handler {
    return by_wide_size(d.size, [&]<class T>() -> Handler { return d.memory ? cmov_memory<cc, T> : cmov_reg<cc, T>; });
  });
}

// ---- segment registers ----

void mov_e_s(Cpu& cpu, const Op* op) {
  const std::uint16_t selector = cpu.segment[op->r & 7].selector;
  if (op->extra & extra_mem) {
    store<std::uint16_t>(cpu, op, selector);
  } else if (operand_size(op) == 2) {
    set_reg<std::uint16_t>(cpu, op->m, selector);
  } else {
    reg<std::uint64_t>(cpu, op->m) = selector;
  }
  LS_RETURN(cpu, op);
}
void mov_s_e(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint16_t selector = op->extra & extra_mem ? load<std::uint16_t>(cpu, op) : reg<std::uint16_t>(cpu, op->m);
  load_data_segment(cpu, op->r & 7, selector);
  if ((op->r & 7) == ss) {
    cpu.shadow = true;
    cpu.no_step_trap = true;
  }
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}
Handler bind_mov_e_s(const Decoded& d, Op& op) {
  op.r = d.modrm >> 3 & 7;
  return op.r > gs ? nullptr : mov_e_s;
}
Handler bind_mov_s_e(const Decoded& d, Op& op) {
  op.r = d.modrm >> 3 & 7;
  return op.r > gs || op.r == cs ? nullptr : mov_s_e;
}

template <unsigned segment>
void load_far(Cpu& cpu, const Op* op) {
  const FarPointer pointer = load_far_pointer(cpu, op);
  load_data_segment(cpu, segment, pointer.selector);
  if (operand_size(op) == 2)
    set_reg<std::uint16_t>(cpu, op->r, static_cast<std::uint16_t>(pointer.offset));
  else
    reg<std::uint64_t>(cpu, op->r) = pointer.offset;
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}
template <unsigned segment>
Handler bind_load_far(const Decoded&, Op&) {
  return load_far<segment>;
}

constexpr Field B = Field::byte;
constexpr std::uint32_t mr = attr::modrm;

constexpr Row rows[] = {
    {"mov Eb,Gb", Map::one, 0x88, mr, Size::b, Imm::none, bind_mov_e_g, 0, -1, Prefix::any, Mod::any, B, B},
    {"mov Ev,Gv", Map::one, 0x89, mr, Size::v, Imm::none, bind_mov_e_g},
    {"mov Gb,Eb", Map::one, 0x8a, mr, Size::b, Imm::none, bind_mov_g_e, 0, -1, Prefix::any, Mod::any, B, B},
    {"mov Gv,Ev", Map::one, 0x8b, mr, Size::v, Imm::none, bind_mov_g_e},
    {"mov Eb,Ib", Map::one, 0xc6, mr, Size::b, Imm::ib, bind_mov_e_i, 0, 0, Prefix::any, Mod::any, B, B},
    {"mov Ev,Iz", Map::one, 0xc7, mr, Size::v, Imm::iz, bind_mov_e_i, 0, 0},
    {"mov Zb,Ib", Map::one, 0xb0, attr::opcode_reg, Size::b, Imm::ib, bind_mov_z_i, 0, -1, Prefix::any, Mod::any, B, B},
    {"mov Zv,Iv", Map::one, 0xb8, attr::opcode_reg, Size::v, Imm::iv, bind_mov_z_i},
    {"mov AL,Ob", Map::one, 0xa0, attr::implicit_memory, Size::b, Imm::offset, bind_mov_a_o},
    {"mov rAX,Ov", Map::one, 0xa1, attr::implicit_memory, Size::v, Imm::offset, bind_mov_a_o},
    {"mov Ob,AL", Map::one, 0xa2, attr::implicit_memory, Size::b, Imm::offset, bind_mov_o_a},
    {"mov Ov,rAX", Map::one, 0xa3, attr::implicit_memory, Size::v, Imm::offset, bind_mov_o_a},
    {"mov Ev,Sw", Map::one, 0x8c, mr, Size::v, Imm::none, bind_mov_e_s},
    {"mov Sw,Ew", Map::one, 0x8e, mr | attr::ends | attr::system, Size::v, Imm::none, bind_mov_s_e},
    {"movzx Gv,Eb", Map::two, 0xb6, mr, Size::v, Imm::none, bind_widen<std::uint8_t>, 0, -1, Prefix::any, Mod::any, Field::gpr, B},
    {"movzx Gv,Ew", Map::two, 0xb7, mr, Size::v, Imm::none, bind_widen<std::uint16_t>},
    {"movsx Gv,Eb", Map::two, 0xbe, mr, Size::v, Imm::none, bind_widen<std::int8_t>, 0, -1, Prefix::any, Mod::any, Field::gpr, B},
    {"movsx Gv,Ew", Map::two, 0xbf, mr, Size::v, Imm::none, bind_widen<std::int16_t>},
    {"movsxd Gv,Ed", Map::one, 0x63, mr | attr::only64, Size::v, Imm::none, bind_movsxd},
    {"cbw", Map::one, 0x98, 0, Size::v, Imm::none, bind_cbw},
    {"cwd", Map::one, 0x99, 0, Size::v, Imm::none, bind_cwd},
    {"lea Gv,M", Map::one, 0x8d, mr | attr::sib_free, Size::v, Imm::none, bind_lea, 0, -1, Prefix::any, Mod::memory},
    {"xchg Eb,Gb", Map::one, 0x86, mr | attr::lock, Size::b, Imm::none, bind_xchg, 0, -1, Prefix::any, Mod::any, B, B},
    {"xchg Ev,Gv", Map::one, 0x87, mr | attr::lock, Size::v, Imm::none, bind_xchg},
    {"xchg rAX,Zv", Map::one, 0x90, attr::opcode_reg, Size::v, Imm::none, bind_xchg_a},
    {"nop Ev", Map::two, 0x1f, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"nop Ev (hint)", Map::two, 0x19, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"nop Ev (hint 1A)", Map::two, 0x1a, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"nop Ev (hint 1B)", Map::two, 0x1b, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"nop Ev (hint 1C)", Map::two, 0x1c, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"nop Ev (hint 1D)", Map::two, 0x1d, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"nop Ev (hint 1E)", Map::two, 0x1e, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"prefetch M (0F 18)", Map::two, 0x18, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"prefetchw M", Map::two, 0x0d, mr | attr::sib_free, Size::v, Imm::none, bind_nop},
    {"bswap Zv", Map::two, 0xc8, attr::opcode_reg, Size::v, Imm::none, bind_bswap},
    {"xlat", Map::one, 0xd7, attr::implicit_memory, Size::b, Imm::none, bind_xlat},
#define LS_CC_ROW(cc)                                                                                                                      \
  {"setcc Eb (" #cc ")", Map::two, 0x90 + cc, mr, Size::b, Imm::none, bind_setcc, 0, -1, Prefix::any, Mod::any, B, B},                     \
      {"cmovcc Gv,Ev (" #cc ")", Map::two, 0x40 + cc, mr, Size::v, Imm::none, bind_cmov}
    LS_CC_ROW(0), LS_CC_ROW(1), LS_CC_ROW(2), LS_CC_ROW(3), LS_CC_ROW(4), LS_CC_ROW(5), LS_CC_ROW(6), LS_CC_ROW(7),
    LS_CC_ROW(8), LS_CC_ROW(9), LS_CC_ROW(10), LS_CC_ROW(11), LS_CC_ROW(12), LS_CC_ROW(13), LS_CC_ROW(14), LS_CC_ROW(15),
    {"les Gz,Mp", Map::one, 0xc4, mr | attr::not64 | attr::ends | attr::system, Size::v, Imm::none, bind_load_far<es>, 0, -1, Prefix::any, Mod::memory},
    {"lds Gz,Mp", Map::one, 0xc5, mr | attr::not64 | attr::ends | attr::system, Size::v, Imm::none, bind_load_far<ds>, 0, -1, Prefix::any, Mod::memory},
    {"lss Gv,Mp", Map::two, 0xb2, mr | attr::ends | attr::system, Size::v, Imm::none, bind_load_far<ss>, 0, -1, Prefix::any, Mod::memory},
    {"lfs Gv,Mp", Map::two, 0xb4, mr | attr::ends | attr::system, Size::v, Imm::none, bind_load_far<fs>, 0, -1, Prefix::any, Mod::memory},
    {"lgs Gv,Mp", Map::two, 0xb5, mr | attr::ends | attr::system, Size::v, Imm::none, bind_load_far<gs>, 0, -1, Prefix::any, Mod::memory},
};

}  // namespace

std::span<const Row> rows_move() { return rows; }

}  // namespace lockstitch::interp
