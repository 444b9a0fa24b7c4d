// Guest memory from inside a handler. Fast: 64-bit addressing and a TLB hit, inline. Slow: every mode, every check, faults
// and MMIO; may jump out through raise() or leave through the door.
#pragma once
#include <cstring>

#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

/// Linear address of a memory operand in 64-bit mode with 64-bit address size, without any check.
inline std::uint64_t fast_address(const Cpu& cpu, const Op* op) {
  return reg64(cpu, op->base) + (reg64(cpu, op->index) << op->scale) + static_cast<std::int64_t>(op->disp) + cpu.seg_base[op->seg];
}

/// Host pointer to `size` readable bytes at a linear address if the TLB knows the page, else null.
template <unsigned size>
const std::uint8_t* fast_read(const Cpu& cpu, std::uint64_t linear) {
  const TlbEntry& entry = cpu.tlb[(linear >> 12) & (tlb_entries - 1)];
  if (((linear + (size - 1)) & ~0xfffull) != entry.tag_read) [[unlikely]]
    return nullptr;
  return reinterpret_cast<const std::uint8_t*>(linear + entry.addend);
}
template <unsigned size>
std::uint8_t* fast_write(const Cpu& cpu, std::uint64_t linear) {
  const TlbEntry& entry = cpu.tlb[(linear >> 12) & (tlb_entries - 1)];
  if (((linear + (size - 1)) & ~0xfffull) != entry.tag_write) [[unlikely]]
    return nullptr;
  return reinterpret_cast<std::uint8_t*>(linear + entry.addend);
}

/// Offset of the memory operand inside its segment, wrapped to the address size.
std::uint64_t operand_offset(const Cpu& cpu, const Op* op);
/// Linear address of `size` bytes at `offset` in `segment` with all checks of the current mode: limit, type, canonical.
/// Fails: #GP(0), or #SS(0) for the stack segment.
std::uint64_t linear_for_read(Cpu& cpu, unsigned segment, std::uint64_t offset, unsigned size);
std::uint64_t linear_for_write(Cpu& cpu, unsigned segment, std::uint64_t offset, unsigned size);

/// Reads and writes at a linear address with the privilege of the running code. Range: size 1..16; crossing pages, MMIO and faults included.
void read_linear(Cpu& cpu, std::uint64_t linear, void* out, unsigned size);
void write_linear(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size);
/// Raises the fault a write would raise, without writing. For read-modify-write and for instructions that store twice.
void check_write_linear(Cpu& cpu, std::uint64_t linear, unsigned size);
/// The same with supervisor privilege whatever the CPL: descriptor tables, TSS, interrupt stacks.
void read_system(Cpu& cpu, std::uint64_t linear, void* out, unsigned size);
void write_system(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size);
/// A store with the privilege of `cpl`: frames on the stack of the privilege level being entered.
void write_stack_as(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size, unsigned cpl);

/// The memory operand of a slow handler. T: any trivially copyable type of up to 16 bytes.
template <class T>
T load(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint64_t linear = linear_for_read(cpu, op->seg, operand_offset(cpu, op), sizeof(T));
  T value;
  if (const std::uint8_t* host = fast_read<sizeof(T)>(cpu, linear))
    std::memcpy(&value, host, sizeof(T));
  else
    read_linear(cpu, linear, &value, sizeof(T));
  return value;
}
template <class T>
void store(Cpu& cpu, const Op* op, const T& value) {
  cpu.op = op;
  const std::uint64_t linear = linear_for_write(cpu, op->seg, operand_offset(cpu, op), sizeof(T));
  if (std::uint8_t* host = fast_write<sizeof(T)>(cpu, linear))
    std::memcpy(host, &value, sizeof(T));
  else
    write_linear(cpu, linear, &value, sizeof(T));
}

/// A memory operand that is read and then written: translate once for writing, read, later write.
template <class T>
class Modify {
 public:
  Modify(Cpu& cpu, const Op* op) : cpu_(cpu) {
    cpu.op = op;
    linear_ = linear_for_write(cpu, op->seg, operand_offset(cpu, op), sizeof(T));
    host_ = fast_write<sizeof(T)>(cpu, linear_);
    if (!host_) check_write_linear(cpu, linear_, sizeof(T));
  }
  T read() {
    T value;
    if (host_)
      std::memcpy(&value, host_, sizeof(T));
    else
      read_linear(cpu_, linear_, &value, sizeof(T));
    return value;
  }
  void write(T value) {
    if (host_)
      std::memcpy(host_, &value, sizeof(T));
    else
      write_linear(cpu_, linear_, &value, sizeof(T));
  }

 private:
  Cpu& cpu_;
  std::uint64_t linear_;
  std::uint8_t* host_;
};

/// Slow aligned load for SSE operands that must be aligned: #GP(0) when they are not.
Xmm load_aligned(Cpu& cpu, const Op* op);

}  // namespace lockstitch::interp
