// Two-operand arithmetic and logic, INC, DEC, NEG, NOT, XADD, CMPXCHG. The host's own instruction computes result and flags;
// AF after logic, which is undefined, is always 0.
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/interp.h"

namespace lockstitch::interp {
namespace {

#define LS_ALU(Name, instruction, is_written)                                                                  \
  struct Name {                                                                                                \
    static constexpr bool writes = is_written;                                                                 \
    template <class T>                                                                                         \
    static T run(T x, T y, std::uint16_t& flags) {                                                             \
      asm(instruction " %2, %0\n\tlahf\n\tseto %%al" : "+&r"(x), "=&a"(flags) : "r"(y) : "cc");                \
      return x;                                                                                                \
    }                                                                                                          \
  };
#define LS_LOGIC(Name, instruction, is_written)                                                       \
  struct Name {                                                                                       \
    static constexpr bool writes = is_written;                                                        \
    template <class T>                                                                                \
    static T run(T x, T y, std::uint16_t& flags) {                                                    \
      asm(instruction " %2, %0\n\tlahf\n\tseto %%al" : "+&r"(x), "=&a"(flags) : "r"(y) : "cc");       \
      flags &= static_cast<std::uint16_t>(~flags_af);                                                 \
      return x;                                                                                       \
    }                                                                                                 \
  };
#define LS_CARRY(Name, instruction)                                                                                         \
  struct Name {                                                                                                             \
    static constexpr bool writes = true;                                                                                    \
    template <class T>                                                                                                      \
    static T run(T x, T y, std::uint16_t& flags) {                                                                          \
      asm("btw $8, %1\n\t" instruction " %2, %0\n\tlahf\n\tseto %%al" : "+&r"(x), "+&a"(flags) : "r"(y) : "cc");            \
      return x;                                                                                                             \
    }                                                                                                                       \
  };
LS_ALU(Add, "add", true)
LS_ALU(Sub, "sub", true)
LS_ALU(Cmp, "cmp", false)
LS_LOGIC(And, "and", true)
LS_LOGIC(Or, "or", true)
LS_LOGIC(Xor, "xor", true)
LS_LOGIC(Test, "test", false)
LS_CARRY(Adc, "adc")
LS_CARRY(Sbb, "sbb")

template <class A, class T>
T apply(Cpu& cpu, T x, T y) {
  return A::run(x, y, cpu.flags);
}

// E op= G, both registers.
template <class A, class T>
void e_g_reg(Cpu& cpu, const Op* op) {
  const T result = apply<A>(cpu, reg<T>(cpu, op->m), reg<T>(cpu, op->r));
  if constexpr (A::writes) set_reg<T>(cpu, op->m, result);
  LS_NEXT(cpu, op);
}
template <class A, class T>
void g_e_reg(Cpu& cpu, const Op* op) {
  const T result = apply<A>(cpu, reg<T>(cpu, op->r), reg<T>(cpu, op->m));
  if constexpr (A::writes) set_reg<T>(cpu, op->r, result);
  LS_NEXT(cpu, op);
}
template <class A, class T>
void e_i_reg(Cpu& cpu, const Op* op) {
  const T result = apply<A>(cpu, reg<T>(cpu, op->m), static_cast<T>(op->imm));
  if constexpr (A::writes) set_reg<T>(cpu, op->m, result);
  LS_NEXT(cpu, op);
}

// E op= (G or imm), memory.
template <class A, class T, bool immediate>
void e_x_slow(Cpu& cpu, const Op* op) {
  const T y = immediate ? static_cast<T>(op->imm) : reg<T>(cpu, op->r);
  if constexpr (A::writes) {
    Modify<T> memory(cpu, op);
    std::uint16_t flags = cpu.flags;
    const T result = A::run(memory.read(), y, flags);
    memory.write(result);
    cpu.flags = flags;
  } else {
    apply<A>(cpu, load<T>(cpu, op), y);
  }
  LS_FINISH(cpu, op);
}
template <class A, class T, bool immediate>
void e_x_fast(Cpu& cpu, const Op* op) {
  const T y = immediate ? static_cast<T>(op->imm) : reg<T>(cpu, op->r);
  const std::uint64_t linear = fast_address(cpu, op);
  T x;
  if constexpr (A::writes) {
    std::uint8_t* host = fast_write<sizeof(T)>(cpu, linear);
    if (!host) [[unlikely]]
      LS_TAIL((e_x_slow<A, T, immediate>), cpu, op);
    std::memcpy(&x, host, sizeof(T));
    const T result = apply<A>(cpu, x, y);
    std::memcpy(host, &result, sizeof(T));
  } else {
    const std::uint8_t* host = fast_read<sizeof(T)>(cpu, linear);
    if (!host) [[unlikely]]
      LS_TAIL((e_x_slow<A, T, immediate>), cpu, op);
    std::memcpy(&x, host, sizeof(T));
    apply<A>(cpu, x, y);
  }
  LS_NEXT(cpu, op);
}

// G op= E, memory.
template <class A, class T>
void g_e_slow(Cpu& cpu, const Op* op) {
  const T result = apply<A>(cpu, reg<T>(cpu, op->r), load<T>(cpu, op));
  if constexpr (A::writes) set_reg<T>(cpu, op->r, result);
  LS_FINISH(cpu, op);
}
template <class A, class T>
void g_e_fast(Cpu& cpu, const Op* op) {
  const std::uint8_t* host = fast_read<sizeof(T)>(cpu, fast_address(cpu, op));
  if (!host) [[unlikely]]
    LS_TAIL((g_e_slow<A, T>), cpu, op);
  T y;
  std::memcpy(&y, host, sizeof(T));
  const T result = apply<A>(cpu, reg<T>(cpu, op->r), y);
  if constexpr (A::writes) set_reg<T>(cpu, op->r, result);
  LS_NEXT(cpu, op);
}

template <class A>
Handler bind_e_g(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler {
    return !d.memory ? e_g_reg<A, T> : d.fast ? e_x_fast<A, T, false> : e_x_slow<A, T, false>;
  });
}
template <class A>
Handler bind_g_e(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return !d.memory ? g_e_reg<A, T> : d.fast ? g_e_fast<A, T> : g_e_slow<A, T>; });
}
template <class A>
Handler bind_e_i(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler {
    return !d.memory ? e_i_reg<A, T> : d.fast ? e_x_fast<A, T, true> : e_x_slow<A, T, true>;
  });
}
// AL/eAX op= imm: the accumulator is register 0.
template <class A>
Handler bind_a_i(const Decoded& d, Op& op) {
  op.m = 0;
  return by_size(d.size, [&]<class T>() -> Handler { return e_i_reg<A, T>; });
}

// ---- one operand ----

struct Inc {
  static constexpr bool flags = true;
  template <class T>
  static T run(T x, std::uint16_t& f) {
    const std::uint16_t carry = f & flags_cf;
    asm("inc %0\n\tlahf\n\tseto %%al" : "+&r"(x), "=&a"(f) : : "cc");
    f = static_cast<std::uint16_t>((f & ~flags_cf) | carry);
    return x;
  }
};
struct Dec {
  template <class T>
  static T run(T x, std::uint16_t& f) {
    const std::uint16_t carry = f & flags_cf;
    asm("dec %0\n\tlahf\n\tseto %%al" : "+&r"(x), "=&a"(f) : : "cc");
    f = static_cast<std::uint16_t>((f & ~flags_cf) | carry);
    return x;
  }
};
struct Neg {
  template <class T>
  static T run(T x, std::uint16_t& f) {
    asm("neg %0\n\tlahf\n\tseto %%al" : "+&r"(x), "=&a"(f) : : "cc");
    return x;
  }
};
struct Not {
  template <class T>
  static T run(T x, std::uint16_t&) {
    return static_cast<T>(~x);
  }
};

template <class A, class T>
void one_reg(Cpu& cpu, const Op* op) {
  set_reg<T>(cpu, op->m, A::run(reg<T>(cpu, op->m), cpu.flags));
  LS_NEXT(cpu, op);
}
template <class A, class T>
void one_slow(Cpu& cpu, const Op* op) {
  Modify<T> memory(cpu, op);
  std::uint16_t flags = cpu.flags;
  const T result = A::run(memory.read(), flags);
  memory.write(result);
  cpu.flags = flags;
  LS_FINISH(cpu, op);
}
template <class A, class T>
void one_fast(Cpu& cpu, const Op* op) {
  std::uint8_t* host = fast_write<sizeof(T)>(cpu, fast_address(cpu, op));
  if (!host) [[unlikely]]
    LS_TAIL((one_slow<A, T>), cpu, op);
  T x;
  std::memcpy(&x, host, sizeof(T));
  x = A::run(x, cpu.flags);
  std::memcpy(host, &x, sizeof(T));
  LS_NEXT(cpu, op);
}
template <class A>
Handler bind_one(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return !d.memory ? one_reg<A, T> : d.fast ? one_fast<A, T> : one_slow<A, T>; });
}
// 40..4F outside 64-bit mode: the register is in the opcode.
template <class A>
Handler bind_one_opcode(const Decoded& d, Op& op) {
  op.m = op.r;
  return by_wide_size(d.size, [&]<class T>() -> Handler { return one_reg<A, T>; });
}

// ---- XADD, CMPXCHG ----

template <class T, bool memory_form>
void xadd(Cpu& cpu, const Op* op) {
  std::uint16_t flags = 0;
  const T addend = reg<T>(cpu, op->r);
  if constexpr (memory_form) {
    Modify<T> memory(cpu, op);
    const T old = memory.read();
    memory.write(Add::run(old, addend, flags));
    set_reg<T>(cpu, op->r, old);
  } else {
    const T old = reg<T>(cpu, op->m);
    const T sum = Add::run(old, addend, flags);
    set_reg<T>(cpu, op->r, old);
    set_reg<T>(cpu, op->m, sum);
  }
  cpu.flags = flags;
  LS_FINISH(cpu, op);
}
Handler bind_xadd(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return d.memory ? xadd<T, true> : xadd<T, false>; });
}

template <class T, bool memory_form>
void cmpxchg(Cpu& cpu, const Op* op) {
  std::uint16_t flags = 0;
  const T wanted = reg<T>(cpu, 0), replacement = reg<T>(cpu, op->r);
  if constexpr (memory_form) {
    Modify<T> memory(cpu, op);
    const T old = memory.read();
    Cmp::run(wanted, old, flags);
    memory.write(old == wanted ? replacement : old);
    if (old != wanted) set_reg<T>(cpu, 0, old);
  } else {
    const T old = reg<T>(cpu, op->m);
    Cmp::run(wanted, old, flags);
    if (old == wanted)
      set_reg<T>(cpu, op->m, replacement);
    else
      set_reg<T>(cpu, 0, old);
  }
  cpu.flags = flags;
  LS_FINISH(cpu, op);
}
Handler bind_cmpxchg(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return d.memory ? cmpxchg<T, true> : cmpxchg<T, false>; });
}

void cmpxchg8b(Cpu& cpu, const Op* op) {
  Modify<std::uint64_t> memory(cpu, op);
  const std::uint64_t old = memory.read();
  const std::uint64_t wanted = (cpu.gpr[2] << 32) | (cpu.gpr[0] & 0xffff'ffff);
  if (old == wanted) {
    memory.write((cpu.gpr[1] << 32) | (cpu.gpr[3] & 0xffff'ffff));
    cpu.flags |= flags_zf;
  } else {
    memory.write(old);
    cpu.gpr[0] = old & 0xffff'ffff;
    cpu.gpr[2] = old >> 32;
    cpu.flags &= static_cast<std::uint16_t>(~flags_zf);
  }
  LS_FINISH(cpu, op);
}

struct Pair {
  std::uint64_t low, high;
};
void cmpxchg16b(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint64_t offset = operand_offset(cpu, op);
  if ((cpu.seg_base[op->seg] + offset) & 15) raise(cpu, Vector::gp, 0);
  const std::uint64_t linear = linear_for_write(cpu, op->seg, offset, 16);
  check_write_linear(cpu, linear, 16);
  Pair old;
  read_linear(cpu, linear, &old, 16);
  const bool equal = old.low == cpu.gpr[0] && old.high == cpu.gpr[2];
  const Pair now = equal ? Pair{cpu.gpr[3], cpu.gpr[1]} : old;
  write_linear(cpu, linear, &now, 16);
  if (equal) {
    cpu.flags |= flags_zf;
  } else {
    cpu.gpr[0] = old.low;
    cpu.gpr[2] = old.high;
    cpu.flags &= static_cast<std::uint16_t>(~flags_zf);
  }
  LS_RETURN(cpu, op);
}
Handler bind_cmpxchg_pair(const Decoded& d, Op&) { return d.rex & 8 ? cmpxchg16b : cmpxchg8b; }

constexpr std::uint32_t logic_undefined = flag::af;

#define LS_ALU_ROWS(name, A, opcode, undefined_, lockable)                                                                                  \
  {name " Eb,Gb", Map::one, opcode, attr::modrm | lockable, Size::b, Imm::none, bind_e_g<A>, undefined_, -1, Prefix::any, Mod::any,         \
   Field::byte, Field::byte},                                                                                                               \
      {name " Ev,Gv", Map::one, opcode + 1, attr::modrm | lockable, Size::v, Imm::none, bind_e_g<A>, undefined_},                           \
      {name " Gb,Eb", Map::one, opcode + 2, attr::modrm, Size::b, Imm::none, bind_g_e<A>, undefined_, -1, Prefix::any, Mod::any,            \
       Field::byte, Field::byte},                                                                                                           \
      {name " Gv,Ev", Map::one, opcode + 3, attr::modrm, Size::v, Imm::none, bind_g_e<A>, undefined_},                                      \
      {name " AL,Ib", Map::one, opcode + 4, 0, Size::b, Imm::ib, bind_a_i<A>, undefined_},                                                  \
      {name " rAX,Iz", Map::one, opcode + 5, 0, Size::v, Imm::iz, bind_a_i<A>, undefined_},                                                 \
      {name " Eb,Ib", Map::one, 0x80, attr::modrm | lockable, Size::b, Imm::ib, bind_e_i<A>, undefined_, (opcode) >> 3, Prefix::any,        \
       Mod::any, Field::byte, Field::byte},                                                                                                 \
      {name " Ev,Iz", Map::one, 0x81, attr::modrm | lockable, Size::v, Imm::iz, bind_e_i<A>, undefined_, (opcode) >> 3},                    \
      {name " Eb,Ib (82)", Map::one, 0x82, attr::modrm | attr::not64 | lockable, Size::b, Imm::ib, bind_e_i<A>, undefined_, (opcode) >> 3,  \
       Prefix::any, Mod::any, Field::byte, Field::byte},                                                                                    \
      {name " Ev,Ibs", Map::one, 0x83, attr::modrm | lockable, Size::v, Imm::ibs, bind_e_i<A>, undefined_, (opcode) >> 3}

constexpr Row rows[] = {
    LS_ALU_ROWS("add", Add, 0x00, 0, attr::lock),
    LS_ALU_ROWS("or", Or, 0x08, logic_undefined, attr::lock),
    LS_ALU_ROWS("adc", Adc, 0x10, 0, attr::lock),
    LS_ALU_ROWS("sbb", Sbb, 0x18, 0, attr::lock),
    LS_ALU_ROWS("and", And, 0x20, logic_undefined, attr::lock),
    LS_ALU_ROWS("sub", Sub, 0x28, 0, attr::lock),
    LS_ALU_ROWS("xor", Xor, 0x30, logic_undefined, attr::lock),
    LS_ALU_ROWS("cmp", Cmp, 0x38, 0, 0u),
    {"test Eb,Gb", Map::one, 0x84, attr::modrm, Size::b, Imm::none, bind_e_g<Test>, logic_undefined, -1, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"test Ev,Gv", Map::one, 0x85, attr::modrm, Size::v, Imm::none, bind_e_g<Test>, logic_undefined},
    {"test AL,Ib", Map::one, 0xa8, 0, Size::b, Imm::ib, bind_a_i<Test>, logic_undefined},
    {"test rAX,Iz", Map::one, 0xa9, 0, Size::v, Imm::iz, bind_a_i<Test>, logic_undefined},
    {"test Eb,Ib", Map::one, 0xf6, attr::modrm, Size::b, Imm::ib, bind_e_i<Test>, logic_undefined, 0, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"test Eb,Ib (/1)", Map::one, 0xf6, attr::modrm, Size::b, Imm::ib, bind_e_i<Test>, logic_undefined, 1, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"test Ev,Iz", Map::one, 0xf7, attr::modrm, Size::v, Imm::iz, bind_e_i<Test>, logic_undefined, 0},
    {"test Ev,Iz (/1)", Map::one, 0xf7, attr::modrm, Size::v, Imm::iz, bind_e_i<Test>, logic_undefined, 1},
    {"not Eb", Map::one, 0xf6, attr::modrm | attr::lock, Size::b, Imm::none, bind_one<Not>, 0, 2, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"not Ev", Map::one, 0xf7, attr::modrm | attr::lock, Size::v, Imm::none, bind_one<Not>, 0, 2},
    {"neg Eb", Map::one, 0xf6, attr::modrm | attr::lock, Size::b, Imm::none, bind_one<Neg>, 0, 3, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"neg Ev", Map::one, 0xf7, attr::modrm | attr::lock, Size::v, Imm::none, bind_one<Neg>, 0, 3},
    {"inc Eb", Map::one, 0xfe, attr::modrm | attr::lock, Size::b, Imm::none, bind_one<Inc>, 0, 0, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"dec Eb", Map::one, 0xfe, attr::modrm | attr::lock, Size::b, Imm::none, bind_one<Dec>, 0, 1, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"inc Ev", Map::one, 0xff, attr::modrm | attr::lock, Size::v, Imm::none, bind_one<Inc>, 0, 0},
    {"dec Ev", Map::one, 0xff, attr::modrm | attr::lock, Size::v, Imm::none, bind_one<Dec>, 0, 1},
    {"inc Zv", Map::one, 0x40, attr::opcode_reg | attr::not64, Size::v, Imm::none, bind_one_opcode<Inc>},
    {"dec Zv", Map::one, 0x48, attr::opcode_reg | attr::not64, Size::v, Imm::none, bind_one_opcode<Dec>},
    {"xadd Eb,Gb", Map::two, 0xc0, attr::modrm | attr::lock, Size::b, Imm::none, bind_xadd, 0, -1, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"xadd Ev,Gv", Map::two, 0xc1, attr::modrm | attr::lock, Size::v, Imm::none, bind_xadd},
    {"cmpxchg Eb,Gb", Map::two, 0xb0, attr::modrm | attr::lock, Size::b, Imm::none, bind_cmpxchg, 0, -1, Prefix::any, Mod::any, Field::byte, Field::byte},
    {"cmpxchg Ev,Gv", Map::two, 0xb1, attr::modrm | attr::lock, Size::v, Imm::none, bind_cmpxchg},
    {"cmpxchg8b/16b M", Map::two, 0xc7, attr::modrm | attr::lock, Size::y, Imm::none, bind_cmpxchg_pair, 0, 1, Prefix::any, Mod::memory},
};

}  // namespace

std::span<const Row> rows_alu() { return rows; }

}  // namespace lockstitch::interp
