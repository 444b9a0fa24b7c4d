// Bit tests and scans: BT, BTS, BTR, BTC, BSF, BSR, POPCNT. Undefined: flags other than ZF after a scan are 0; a scan of zero
// keeps the destination.
#include "vmm/engine/interp/families.h"

namespace lockstitch::interp {
namespace {

enum class Bit { test, set, reset, complement };

template <Bit what, class T>
T change(T value, T mask) {
  if constexpr (what == Bit::set) return value | mask;
  if constexpr (what == Bit::reset) return value & static_cast<T>(~mask);
  if constexpr (what == Bit::complement) return value ^ mask;
  return value;
}
void set_carry(Cpu& cpu, bool cf) { cpu.flags = static_cast<std::uint16_t>((cpu.flags & ~flags_cf) | (cf ? flags_cf : 0)); }

template <Bit what, class T, bool immediate>
void bit_reg(Cpu& cpu, const Op* op) {
  const unsigned index = (immediate ? op->imm : reg<T>(cpu, op->r)) & (8 * sizeof(T) - 1);
  const T mask = static_cast<T>(T{1} << index), value = reg<T>(cpu, op->m);
  if constexpr (what != Bit::test) set_reg<T>(cpu, op->m, change<what, T>(value, mask));
  set_carry(cpu, value & mask);
  LS_NEXT(cpu, op);
}
// In memory with a register index the bit string extends beyond the operand.
template <Bit what, class T, bool immediate>
void bit_memory(Cpu& cpu, const Op* op) {
  cpu.op = op;
  Op shifted = *op;
  std::uint64_t offset = operand_offset(cpu, op);
  unsigned index;
  if constexpr (immediate) {
    index = op->imm & (8 * sizeof(T) - 1);
  } else {
    const auto wide = static_cast<std::int64_t>(static_cast<std::make_signed_t<T>>(reg<T>(cpu, op->r)));
    index = wide & (8 * sizeof(T) - 1);
    offset += static_cast<std::uint64_t>(wide >> (sizeof(T) == 2 ? 4 : sizeof(T) == 4 ? 5 : 6)) * sizeof(T);
    offset &= ones(address_size(op));
  }
  const T mask = static_cast<T>(T{1} << index);
  T value;
  if constexpr (what == Bit::test) {
    read_linear(cpu, linear_for_read(cpu, shifted.seg, offset, sizeof(T)), &value, sizeof(T));
  } else {
    const std::uint64_t linear = linear_for_write(cpu, shifted.seg, offset, sizeof(T));
    check_write_linear(cpu, linear, sizeof(T));
    read_linear(cpu, linear, &value, sizeof(T));
    const T now = change<what, T>(value, mask);
    write_linear(cpu, linear, &now, sizeof(T));
  }
  set_carry(cpu, value & mask);
  LS_RETURN(cpu, op);
}
template <Bit what, bool immediate>
Handler bind_bit(const Decoded& d, Op&) {
  return by_wide_size(d.size, [&]<class T>() -> Handler { return d.memory ? bit_memory<what, T, immediate> : bit_reg<what, T, immediate>; });
}

template <class T>
T operand(Cpu& cpu, const Op* op) {
  cpu.op = op;
  return op->extra & extra_mem ? load<T>(cpu, op) : reg<T>(cpu, op->m);
}
template <class T, bool reverse>
void scan(Cpu& cpu, const Op* op) {
  const T value = operand<T>(cpu, op);
  if (value == 0) {
    cpu.flags = flags_zf | 0x0200;
  } else {
    const unsigned index = reverse ? 63 - static_cast<unsigned>(__builtin_clzll(value)) : static_cast<unsigned>(__builtin_ctzll(value));
    set_reg<T>(cpu, op->r, static_cast<T>(index));
    cpu.flags = 0x0200;
  }
  LS_FINISH(cpu, op);
}
template <bool reverse>
Handler bind_scan(const Decoded& d, Op&) {
  return by_wide_size(d.size, []<class T>() -> Handler { return scan<T, reverse>; });
}
template <class T>
void popcnt(Cpu& cpu, const Op* op) {
  const T value = operand<T>(cpu, op);
  set_reg<T>(cpu, op->r, static_cast<T>(__builtin_popcountll(value)));
  cpu.flags = static_cast<std::uint16_t>(0x0200 | (value == 0 ? flags_zf : 0));
  LS_FINISH(cpu, op);
}
Handler bind_popcnt(const Decoded& d, Op&) {
  return by_wide_size(d.size, []<class T>() -> Handler { return popcnt<T>; });
}

constexpr std::uint32_t test_undefined = flag::of | flag::sf | flag::af | flag::pf;
constexpr std::uint32_t scan_undefined = flag::of | flag::sf | flag::af | flag::pf | flag::cf;

constexpr Row rows[] = {
    {"bt Ev,Gv", Map::two, 0xa3, attr::modrm, Size::v, Imm::none, bind_bit<Bit::test, false>, test_undefined},
    {"bts Ev,Gv", Map::two, 0xab, attr::modrm | attr::lock, Size::v, Imm::none, bind_bit<Bit::set, false>, test_undefined},
    {"btr Ev,Gv", Map::two, 0xb3, attr::modrm | attr::lock, Size::v, Imm::none, bind_bit<Bit::reset, false>, test_undefined},
    {"btc Ev,Gv", Map::two, 0xbb, attr::modrm | attr::lock, Size::v, Imm::none, bind_bit<Bit::complement, false>, test_undefined},
    {"bt Ev,Ib", Map::two, 0xba, attr::modrm, Size::v, Imm::ib, bind_bit<Bit::test, true>, test_undefined, 4},
    {"bts Ev,Ib", Map::two, 0xba, attr::modrm | attr::lock, Size::v, Imm::ib, bind_bit<Bit::set, true>, test_undefined, 5},
    {"btr Ev,Ib", Map::two, 0xba, attr::modrm | attr::lock, Size::v, Imm::ib, bind_bit<Bit::reset, true>, test_undefined, 6},
    {"btc Ev,Ib", Map::two, 0xba, attr::modrm | attr::lock, Size::v, Imm::ib, bind_bit<Bit::complement, true>, test_undefined, 7},
    {"popcnt Gv,Ev", Map::two, 0xb8, attr::modrm, Size::v, Imm::none, bind_popcnt, 0, -1, Prefix::pf3},
    {"bsf Gv,Ev", Map::two, 0xbc, attr::modrm, Size::v, Imm::none, bind_scan<false>, scan_undefined},
    {"bsr Gv,Ev", Map::two, 0xbd, attr::modrm, Size::v, Imm::none, bind_scan<true>, scan_undefined},
};

}  // namespace

std::span<const Row> rows_bits() { return rows; }

}  // namespace lockstitch::interp
