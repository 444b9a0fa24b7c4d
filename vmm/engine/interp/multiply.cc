// MUL, IMUL, DIV, IDIV and the decimal adjustments. Undefined flags: SF, ZF and PF of a product follow its low half, AF is 0.
#include "vmm/engine/interp/families.h"

namespace lockstitch::interp {
namespace {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

template <class T>
struct Twice;
template <> struct Twice<std::uint8_t> { using type = std::uint16_t; };
template <> struct Twice<std::uint16_t> { using type = std::uint32_t; };
template <> struct Twice<std::uint32_t> { using type = std::uint64_t; };
template <> struct Twice<std::uint64_t> { using type = UnsignedWide; };
template <class T>
struct SignedTwice {
  using type = std::make_signed_t<typename Twice<T>::type>;
};
template <>
struct SignedTwice<std::uint64_t> {
  using type = Wide;
};
template <class T>
using twice = typename Twice<T>::type;
template <class T>
using signed_twice = typename SignedTwice<T>::type;
template <class T>
inline constexpr unsigned bits = 8 * sizeof(T);

template <class T>
T operand(Cpu& cpu, const Op* op) {
  cpu.op = op;
  return op->extra & extra_mem ? load<T>(cpu, op) : reg<T>(cpu, op->m);
}
template <class T>
void set_pair(Cpu& cpu, twice<T> value) {
  if constexpr (sizeof(T) == 1) {
    set_reg<std::uint16_t>(cpu, 0, value);
  } else {
    set_reg<T>(cpu, 0, static_cast<T>(value));
    set_reg<T>(cpu, 16, static_cast<T>(value >> bits<T>));
  }
}
template <class T>
twice<T> pair(Cpu& cpu) {
  if constexpr (sizeof(T) == 1) return reg<std::uint16_t>(cpu, 0);
  else return static_cast<twice<T>>(reg<T>(cpu, 16)) << bits<T> | reg<T>(cpu, 0);
}
void product_flags(Cpu& cpu, std::uint16_t low, bool overflow) {
  cpu.flags = static_cast<std::uint16_t>(low | (overflow ? flags_cf | flags_of : 0));
}

template <class T>
void mul(Cpu& cpu, const Op* op) {
  const twice<T> p = static_cast<twice<T>>(static_cast<twice<T>>(reg<T>(cpu, 0)) * operand<T>(cpu, op));
  set_pair<T>(cpu, p);
  product_flags(cpu, result_flags<T>(static_cast<T>(p)), (p >> bits<T>) != 0);
  LS_FINISH(cpu, op);
}
template <class T>
void imul_pair(Cpu& cpu, const Op* op) {
  using S = std::make_signed_t<T>;
  const signed_twice<T> p = static_cast<signed_twice<T>>(static_cast<signed_twice<T>>(static_cast<S>(reg<T>(cpu, 0))) * static_cast<S>(operand<T>(cpu, op)));
  set_pair<T>(cpu, static_cast<twice<T>>(p));
  product_flags(cpu, result_flags<T>(static_cast<T>(p)), p != static_cast<S>(p));
  LS_FINISH(cpu, op);
}
template <class T>
void imul_into(Cpu& cpu, const Op* op, T x, T y) {
  using S = std::make_signed_t<T>;
  S r;
  const bool overflow = __builtin_mul_overflow(static_cast<S>(x), static_cast<S>(y), &r);
  set_reg<T>(cpu, op->r, static_cast<T>(r));
  product_flags(cpu, result_flags<T>(static_cast<T>(r)), overflow);
}
template <class T>
void imul_g_e(Cpu& cpu, const Op* op) {
  const T y = operand<T>(cpu, op);
  imul_into<T>(cpu, op, reg<T>(cpu, op->r), y);
  LS_FINISH(cpu, op);
}
template <class T>
void imul_g_e_i(Cpu& cpu, const Op* op) {
  imul_into<T>(cpu, op, operand<T>(cpu, op), static_cast<T>(op->imm));
  LS_FINISH(cpu, op);
}

template <class T>
void div(Cpu& cpu, const Op* op) {
  const T divisor = operand<T>(cpu, op);
  const twice<T> dividend = pair<T>(cpu);
  if (divisor == 0 || static_cast<twice<T>>(dividend >> bits<T>) >= divisor) raise(cpu, Vector::de);
  const twice<T> quotient = static_cast<twice<T>>(dividend / divisor);
  const twice<T> remainder = static_cast<twice<T>>(dividend % divisor);
  set_pair<T>(cpu, static_cast<twice<T>>(remainder << bits<T> | quotient));
  LS_FINISH(cpu, op);
}
template <class T>
void idiv(Cpu& cpu, const Op* op) {
  using S = std::make_signed_t<T>;
  const auto divisor = static_cast<S>(operand<T>(cpu, op));
  const auto dividend = static_cast<signed_twice<T>>(pair<T>(cpu));
  // The one quotient that overflows even the double width is caught by the range check of its magnitude first.
  if (divisor == 0) raise(cpu, Vector::de);
  constexpr signed_twice<T> lowest = static_cast<signed_twice<T>>(static_cast<twice<T>>(1) << (2 * bits<T> - 1));
  if (divisor == -1 && dividend == lowest) raise(cpu, Vector::de);
  const signed_twice<T> quotient = static_cast<signed_twice<T>>(dividend / divisor);
  if (quotient != static_cast<S>(quotient)) raise(cpu, Vector::de);
  const T remainder = static_cast<T>(dividend % divisor);
  set_pair<T>(cpu, static_cast<twice<T>>(static_cast<twice<T>>(remainder) << bits<T> | static_cast<T>(quotient)));
  LS_FINISH(cpu, op);
}

#define LS_BIND(name)                                                                \
  Handler bind_##name(const Decoded& d, Op&) {                                       \
    return by_size(d.size, []<class T>() -> Handler { return name<T>; });            \
  }
LS_BIND(mul)
LS_BIND(imul_pair)
LS_BIND(div)
LS_BIND(idiv)
Handler bind_imul_g_e(const Decoded& d, Op&) {
  return by_wide_size(d.size, []<class T>() -> Handler { return imul_g_e<T>; });
}
Handler bind_imul_g_e_i(const Decoded& d, Op&) {
  return by_wide_size(d.size, []<class T>() -> Handler { return imul_g_e_i<T>; });
}

// ---- decimal ----

std::uint8_t& al(Cpu& cpu) { return reg<std::uint8_t>(cpu, 0); }
std::uint8_t& ah(Cpu& cpu) { return reg<std::uint8_t>(cpu, 1); }

template <bool subtract>
void daa_das(Cpu& cpu, const Op* op) {
  const std::uint8_t old = al(cpu);
  const bool old_cf = cpu.flags & flags_cf;
  bool cf = false, af = false;
  std::uint8_t value = old;
  if ((old & 15) > 9 || (cpu.flags & flags_af)) {
    cf = subtract ? old_cf || value < 6 : old_cf || value > 0xf9;
    value = static_cast<std::uint8_t>(subtract ? value - 6 : value + 6);
    af = true;
  }
  if (old > 0x99 || old_cf) {
    value = static_cast<std::uint8_t>(subtract ? value - 0x60 : value + 0x60);
    cf = true;
  } else if (!subtract) {
    cf = false;
  }
  al(cpu) = value;
  cpu.flags = static_cast<std::uint16_t>(result_flags<std::uint8_t>(value) | (cf ? flags_cf : 0) | (af ? flags_af : 0));
  LS_NEXT(cpu, op);
}
template <bool subtract>
void aaa_aas(Cpu& cpu, const Op* op) {
  const bool adjust = (al(cpu) & 15) > 9 || (cpu.flags & flags_af);
  if (adjust) {
    const auto ax = reg<std::uint16_t>(cpu, 0);
    set_reg<std::uint16_t>(cpu, 0, static_cast<std::uint16_t>(subtract ? ax - 0x106 : ax + 0x106));
  }
  al(cpu) &= 15;
  cpu.flags = static_cast<std::uint16_t>(result_flags<std::uint8_t>(al(cpu)) | (adjust ? flags_cf | flags_af : 0));
  LS_NEXT(cpu, op);
}
void aam(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const auto base = static_cast<std::uint8_t>(op->imm);
  if (base == 0) raise(cpu, Vector::de);
  const std::uint8_t value = al(cpu);
  ah(cpu) = value / base;
  al(cpu) = value % base;
  cpu.flags = result_flags<std::uint8_t>(al(cpu));
  LS_NEXT(cpu, op);
}
void aad(Cpu& cpu, const Op* op) {
  al(cpu) = static_cast<std::uint8_t>(al(cpu) + ah(cpu) * static_cast<std::uint8_t>(op->imm));
  ah(cpu) = 0;
  cpu.flags = result_flags<std::uint8_t>(al(cpu));
  LS_NEXT(cpu, op);
}
template <Handler h>
Handler bind_fixed(const Decoded&, Op&) {
  return h;
}

constexpr std::uint32_t product_undefined = flag::sf | flag::zf | flag::af | flag::pf;
constexpr std::uint32_t all = flag::status;
constexpr Field B = Field::byte;

constexpr Row rows[] = {
    {"mul Eb", Map::one, 0xf6, attr::modrm, Size::b, Imm::none, bind_mul, product_undefined, 4, Prefix::any, Mod::any, B, B},
    {"mul Ev", Map::one, 0xf7, attr::modrm, Size::v, Imm::none, bind_mul, product_undefined, 4},
    {"imul Eb", Map::one, 0xf6, attr::modrm, Size::b, Imm::none, bind_imul_pair, product_undefined, 5, Prefix::any, Mod::any, B, B},
    {"imul Ev", Map::one, 0xf7, attr::modrm, Size::v, Imm::none, bind_imul_pair, product_undefined, 5},
    {"div Eb", Map::one, 0xf6, attr::modrm, Size::b, Imm::none, bind_div, all, 6, Prefix::any, Mod::any, B, B},
    {"div Ev", Map::one, 0xf7, attr::modrm, Size::v, Imm::none, bind_div, all, 6},
    {"idiv Eb", Map::one, 0xf6, attr::modrm, Size::b, Imm::none, bind_idiv, all, 7, Prefix::any, Mod::any, B, B},
    {"idiv Ev", Map::one, 0xf7, attr::modrm, Size::v, Imm::none, bind_idiv, all, 7},
    {"imul Gv,Ev", Map::two, 0xaf, attr::modrm, Size::v, Imm::none, bind_imul_g_e, product_undefined},
    {"imul Gv,Ev,Iz", Map::one, 0x69, attr::modrm, Size::v, Imm::iz, bind_imul_g_e_i, product_undefined},
    {"imul Gv,Ev,Ibs", Map::one, 0x6b, attr::modrm, Size::v, Imm::ibs, bind_imul_g_e_i, product_undefined},
    {"daa", Map::one, 0x27, attr::not64, Size::b, Imm::none, bind_fixed<daa_das<false>>, flag::of},
    {"das", Map::one, 0x2f, attr::not64, Size::b, Imm::none, bind_fixed<daa_das<true>>, flag::of},
    {"aaa", Map::one, 0x37, attr::not64, Size::b, Imm::none, bind_fixed<aaa_aas<false>>, flag::of | flag::sf | flag::zf | flag::pf},
    {"aas", Map::one, 0x3f, attr::not64, Size::b, Imm::none, bind_fixed<aaa_aas<true>>, flag::of | flag::sf | flag::zf | flag::pf},
    {"aam Ib", Map::one, 0xd4, attr::not64, Size::b, Imm::ib, bind_fixed<aam>, flag::of | flag::af | flag::cf},
    {"aad Ib", Map::one, 0xd5, attr::not64, Size::b, Imm::ib, bind_fixed<aad>, flag::of | flag::af | flag::cf},
};

}  // namespace

std::span<const Row> rows_multiply() { return rows; }

}  // namespace lockstitch::interp
