// Segment registers and descriptor tables: loading with every check of every mode, and privilege changes' common parts.
// Source: SDM 3A chapters 3 and 5, SDM 2 (MOV, LDS, JMP, CALL).
#pragma once
#include <cstdint>

#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

/// An 8-byte descriptor as it lies in a table; `high` holds bits 63:32 of base for 16-byte system descriptors.
struct Descriptor {
  std::uint64_t raw = 0;
  std::uint64_t address = 0;  ///< linear address of the entry

  std::uint64_t base() const { return (raw >> 16 & 0xff'ffff) | (raw >> 56 << 24); }
  std::uint32_t limit() const {
    const std::uint32_t low = (raw & 0xffff) | (raw >> 32 & 0xf'0000);
    return attributes() & attribute::g ? low << 12 | 0xfff : low;
  }
  std::uint32_t attributes() const { return raw >> 40 & 0xf0ff; }
  unsigned type() const { return raw >> 40 & 15; }
  bool is_segment() const { return raw >> 44 & 1; }
  unsigned dpl() const { return raw >> 45 & 3; }
  bool present() const { return raw >> 47 & 1; }
  bool is_code() const { return is_segment() && (type() & 8); }
  bool conforming() const { return type() & 4; }
  bool readable() const { return type() & 2; }
  bool writable() const { return type() & 2; }
  bool long_code() const { return attributes() & attribute::l; }
  bool big() const { return attributes() & attribute::db; }
};

/// Reads the entry a selector names. Fails: `vector` with the selector when it lies outside its table.
Descriptor read_descriptor(Cpu& cpu, std::uint16_t selector, Vector vector, unsigned external = 0);
/// As above but tells instead of raising (LAR, LSL, VERR).
bool find_descriptor(Cpu& cpu, std::uint16_t selector, Descriptor& out);
/// Bits 63:32 of the base of a 16-byte descriptor.
std::uint64_t read_descriptor_high(Cpu& cpu, const Descriptor& descriptor, std::uint16_t selector, Vector vector);

Segment make_segment(std::uint16_t selector, const Descriptor& descriptor);
Segment real_segment(std::uint16_t selector, const Segment& old, bool v86);
void set_accessed(Cpu& cpu, Descriptor& descriptor);

/// MOV to a segment register (not CS), POP, LDS ... in any mode, with checks. Changes the register last. Fails: `bad`.
void load_data_segment(Cpu& cpu, unsigned index, std::uint16_t selector, Vector bad = Vector::gp);
/// SS for a new privilege level. Fails: `vector`.
Segment checked_stack_segment(Cpu& cpu, std::uint16_t selector, unsigned cpl, Vector vector, unsigned external = 0);
/// Stack pointer (and SS selector) for privilege `level` from the TSS.
struct StackPointer {
  std::uint16_t selector = 0;
  std::uint64_t rsp = 0;
};
StackPointer stack_from_tss(Cpu& cpu, unsigned level, unsigned external = 0);
std::uint64_t stack_from_tss64(Cpu& cpu, unsigned slot, unsigned external = 0);  ///< slot: 0..2 RSPn, 4..10 IST1..7

/// After a return to an outer privilege level: data segments that are no longer allowed become null.
void drop_inner_segments(Cpu& cpu);

void load_ldt(Cpu& cpu, std::uint16_t selector);
void load_task_register(Cpu& cpu, std::uint16_t selector);

struct FarPointer {
  std::uint16_t selector = 0;
  std::uint64_t offset = 0;
};
/// A far pointer in memory: the offset, of operand size, and behind it the selector.
FarPointer load_far_pointer(Cpu& cpu, const Op* op);

/// Bit mask of the stack pointer's used part: 16, 32 or 64 bits.
std::uint64_t stack_mask(const Cpu& cpu);

enum class TaskSwitch : std::uint8_t { jump, call, iret, gate };
/// Hardware task switch (SDM 3A 7.3). `error` is pushed on the new stack if `has_error`.
void switch_task(Cpu& cpu, std::uint16_t selector, TaskSwitch how, std::uint64_t return_rip, bool has_error = false, std::uint32_t error = 0,
                 unsigned external = 0);

inline bool canonical(std::uint64_t linear) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16) == linear;
}

}  // namespace lockstitch::interp
