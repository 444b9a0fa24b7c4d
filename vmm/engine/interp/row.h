// The instruction table: one row per encoding. The same rows decode, choose handlers and generate the differential tests.
// Rows live beside the handlers of their family (alu.cc, sse_*.cc ...); instruction_table.cc puts them together.
#pragma once
#include <cstdint>
#include <span>

#include "vmm/engine/interp/cpu.h"
#include "vmm/engine/interp/op.h"

namespace lockstitch::interp {

enum class Map : std::uint8_t { one, two /* 0F */, three38 /* 0F 38 */, three3a /* 0F 3A */ };

/// Mandatory prefix of an encoding. `any`: 66/F2/F3 keep their ordinary meaning or are ignored.
enum class Prefix : std::uint8_t { any, none, p66, pf3, pf2 };

enum class Mod : std::uint8_t { any, memory, reg };

enum class Imm : std::uint8_t {
  none,
  ib,        ///< one byte, zero-extended
  ibs,       ///< one byte, sign-extended
  iw,        ///< two bytes
  iz,        ///< two or four bytes by operand size, sign-extended
  iv,        ///< two, four or eight bytes by operand size (MOV r, imm)
  iw_ib,     ///< ENTER: the word in bits 15:0, the byte in 23:16
  offset,    ///< an address of address size (MOV moffs); becomes Op::imm
  far,       ///< selector:offset; offset in bits 31:0, selector in 47:32
  rel8,      ///< branch displacement; Op::imm becomes the target minus rip_base
  relz,
};

/// What the operand size is.
enum class Size : std::uint8_t {
  v,      ///< 2, 4 or 8 by mode, 66 and REX.W
  b,      ///< 1
  w,      ///< 2
  d,      ///< 4
  q,      ///< 8
  y,      ///< 4, or 8 with REX.W; 66 does not matter
  v64,    ///< like v but 8 by default in 64-bit mode (PUSH, POP)
  f64,    ///< like v but always 8 in 64-bit mode (near branches)
};

/// What a ModRM field names.
enum class Field : std::uint8_t {
  gpr,   ///< Op::r or Op::m is a byte offset into Cpu::gpr
  byte,  ///< likewise, with AH..BH where there is no REX prefix
  number ///< the plain register number, REX included (xmm, segment, control, debug); mmx and x87: low three bits by the handler
};

namespace attr {
inline constexpr std::uint32_t modrm = 1;          ///< has a ModRM byte
inline constexpr std::uint32_t opcode_reg = 2;     ///< low three opcode bits are a register -> Op::r (kind r_field)
inline constexpr std::uint32_t only64 = 4;
inline constexpr std::uint32_t not64 = 8;
inline constexpr std::uint32_t lock = 0x10;        ///< LOCK is legal when the ModRM operand is in memory
inline constexpr std::uint32_t ends = 0x20;        ///< last op of its block: leaves through LS_LEAVE or a branch
inline constexpr std::uint32_t links = 0x40;       ///< a direct branch: Links follow
inline constexpr std::uint32_t system = 0x80;      ///< privileged or mode-dependent: not for the native differential test
inline constexpr std::uint32_t x87 = 0x100;        ///< #NM under CR0.EM or TS
inline constexpr std::uint32_t mmx = 0x200;        ///< #UD under EM, #NM under TS
inline constexpr std::uint32_t sse = 0x400;        ///< #UD under EM or without OSFXSR, #NM under TS
inline constexpr std::uint32_t no_rex_w = 0x800;
inline constexpr std::uint32_t sib_free = 0x1000;  ///< LEA-like: the memory operand is an address only
inline constexpr std::uint32_t implicit_memory = 0x2000;  ///< string, stack, XLAT: touches memory without ModRM
inline constexpr std::uint32_t always_reg = 0x8000;  ///< ModRM.mod does not matter: the operand is a register
inline constexpr std::uint32_t wait = 0x4000;      ///< x87 instruction that does not check for pending exceptions is marked by its absence
}  // namespace attr

/// What the decoder found, for the binder.
struct Decoded {
  const struct Row* row = nullptr;
  std::uint32_t mode = 0;    ///< DecodeMode
  std::uint8_t opcode = 0, modrm = 0, rex = 0;
  bool memory = false;       ///< the ModRM operand is in memory
  bool fast = false;         ///< 64-bit mode, 64-bit addresses, not careful: the fast handler may be used
  bool p66 = false;
  std::uint8_t size = 0;     ///< operand size, bytes
  std::uint8_t reg_number = 0, rm_number = 0;  ///< with REX bits
};

/// Chooses the handler and may adjust the op. Null means #UD.
using Bind = Handler (*)(const Decoded& decoded, Op& op);

struct Row {
  const char* name;           ///< mnemonic as in the SDM, with operand forms, e.g. "add Ev,Gv"
  Map map;
  std::uint8_t opcode;
  std::uint32_t attrs = 0;
  Size size = Size::v;
  Imm imm = Imm::none;
  Bind bind = nullptr;
  std::uint32_t undefined = 0;         ///< status flags the SDM leaves undefined
  std::int8_t digit = -1;              ///< ModRM.reg if it extends the opcode
  Prefix prefix = Prefix::any;
  Mod mod = Mod::any;
  Field r_field = Field::gpr, m_field = Field::gpr;
  std::int8_t rm = -1;                 ///< ModRM.rm if it extends the opcode too (0F 01 C8, D9 E0 ...)
};

/// All rows, family after family.
std::span<const Row> instruction_table();

// The families; each is defined beside its handlers.
std::span<const Row> rows_alu();
std::span<const Row> rows_move();
std::span<const Row> rows_shift();
std::span<const Row> rows_multiply();
std::span<const Row> rows_bits();
std::span<const Row> rows_branch();
std::span<const Row> rows_stack();
std::span<const Row> rows_string();
std::span<const Row> rows_io();
std::span<const Row> rows_flags();
std::span<const Row> rows_far();
std::span<const Row> rows_system();
std::span<const Row> rows_x87();
std::span<const Row> rows_mmx();
std::span<const Row> rows_sse_move();
std::span<const Row> rows_sse_float();
std::span<const Row> rows_sse_integer();
std::span<const Row> rows_sse4();

}  // namespace lockstitch::interp
