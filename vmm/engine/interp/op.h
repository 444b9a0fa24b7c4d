// A decoded instruction (Op), a run of them (Block), and how handlers pass control to each other.
// Not here: what the handlers do (the families), how bytes become ops (decoder.h).
#pragma once
#include <cstdint>

namespace lockstitch::interp {

struct Cpu;
struct Op;
using Handler = void (*)(Cpu&, const Op*);

/// One decoded instruction. Register operands are byte offsets into Cpu::gpr (general and byte registers) or plain
/// numbers (xmm, mmx, segment, control, debug), as the table row says.
struct Op {
  Handler fn;
  std::uint64_t imm;    ///< immediate, sign-extended as the row says; direct branches: target minus Cpu::rip_base
  std::int32_t disp;    ///< displacement of the memory operand; RIP-relative ones include the instruction's end
  std::uint8_t r;       ///< operand in ModRM.reg or in the opcode
  std::uint8_t m;       ///< operand in ModRM.rm when it is a register
  std::uint8_t base;    ///< byte offset into Cpu::gpr; slot_zero if absent, slot_rip for RIP-relative
  std::uint8_t index;   ///< likewise
  std::uint8_t scale;   ///< shift count 0..3
  std::uint8_t seg;     ///< segment of the memory operand
  std::int16_t off;     ///< RIP of this instruction minus Cpu::rip_base
  std::uint8_t len;     ///< Unit: bytes
  std::uint8_t sizes;   ///< low nibble: operand size, high nibble: address size; Unit: bytes
  std::uint16_t extra;  ///< family's own: rep prefix, condition, shift kind ...
};
static_assert(sizeof(Op) == 32);

inline unsigned operand_size(const Op* op) { return op->sizes & 15; }
inline unsigned address_size(const Op* op) { return op->sizes >> 4; }

/// Slots behind the 16 general registers that make one formula serve every 64-bit address.
inline constexpr std::uint8_t slot_zero = 16 * 8;
inline constexpr std::uint8_t slot_rip = 17 * 8;

/// Bits of Op::extra that the decoder sets for every instruction.
inline constexpr std::uint16_t extra_rep = 1;     ///< F3
inline constexpr std::uint16_t extra_repne = 2;   ///< F2
inline constexpr std::uint16_t extra_lock = 4;    ///< F0
inline constexpr std::uint16_t extra_mem = 8;     ///< the ModRM operand is in memory
inline constexpr std::uint16_t extra_family = 256;  ///< first bit (of 8) free for the families

struct Block;

/// A remembered way from one block to the next.
struct Link {
  Block* block;         ///< null: not linked yet
  std::uint32_t epoch;  ///< valid while ((epoch ^ Cpu::fetch_epoch) & mask) == 0
  std::uint32_t mask;   ///< all ones; 0 for a target in the same linear page, which needs no check
};

/// Stands in the slot behind a block's last op when that op leaves by a direct branch or falls through.
struct Links {
  Link way[2];  ///< 0: not taken or fall-through, 1: taken
};
static_assert(sizeof(Links) == sizeof(Op));

/// Ops that follow each other in one physical page (the last may reach into a second).
struct Block {
  std::uint64_t gpa;        ///< physical address of the first byte
  std::uint64_t gpa_second; ///< physical page of the bytes past the page end; no_second if none
  Block* next_in_bucket;
  Block* next_in_page;
  std::uint32_t mode;       ///< DecodeMode the ops were bound for
  std::int16_t start_off;   ///< RIP of the first op minus rip_base
  std::uint16_t count;      ///< Unit: ticks charged on entry
  std::uint16_t bytes;
  bool stale;
  Op ops[1];                ///< count ops, perhaps a pseudo op, perhaps Links
};
inline constexpr std::uint64_t no_second = ~std::uint64_t{0};

/// How a handler goes on to the next op of the block. With optimisation this is a jump; sanitised builds return to the
/// dispatcher instead, since they do not turn calls in tail position into jumps.
#if defined(LOCKSTITCH_SANITIZED) || !defined(__OPTIMIZE__)
#define LS_TAIL(fn_, cpu_, op_)     \
  do {                              \
    (cpu_).resume = (op_);          \
    (cpu_).resume_fn = (fn_);       \
    return;                         \
  } while (0)
#else
#define LS_TAIL(fn_, cpu_, op_) return (fn_)((cpu_), (op_))
#endif
#define LS_NEXT(cpu_, op_) LS_TAIL((op_)[1].fn, cpu_, (op_) + 1)

}  // namespace lockstitch::interp
