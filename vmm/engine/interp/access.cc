// See access.h. Source: SDM 3A 5.3 (limits and types), 3.3.7.1 (canonical addresses), 6.15 (#AC).
#include "vmm/engine/interp/access.h"

#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/paging.h"
#include "vmm/engine/interp/watch.h"

namespace lockstitch::interp {
namespace {

bool canonical(std::uint64_t linear) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16) == linear;
}

[[noreturn]] void segment_fault(Cpu& cpu, unsigned segment) { raise(cpu, segment == ss ? Vector::ss : Vector::gp, 0); }

void check_data_breakpoints(Cpu& cpu, std::uint64_t linear, unsigned size, bool write) {
  for (unsigned i = 0; i < 4; ++i) {
    if (!(cpu.dr[7] >> (2 * i) & 3)) continue;
    const unsigned control = cpu.dr[7] >> (16 + 4 * i) & 15;
    const unsigned kind = control & 3;
    if (kind == 0 || kind == 2 || (kind == 1 && !write)) continue;
    static constexpr unsigned lengths[] = {1, 2, 8, 4};
    const unsigned length = lengths[control >> 2];
    const std::uint64_t from = cpu.dr[i] & ~std::uint64_t{length - 1};
    if (linear < from + length && from < linear + size) cpu.debug_status |= 1ull << i;
  }
}

std::uint64_t linear_checked(Cpu& cpu, unsigned segment, std::uint64_t offset, unsigned size, bool write) {
  std::uint64_t linear;
  if (cpu.code64()) {
    linear = cpu.seg_base[segment] + offset;
    if (!canonical(linear) || !canonical(linear + size - 1)) segment_fault(cpu, segment);
  } else {
    const Segment& s = cpu.segment[segment];
    if (!cpu.real_or_v86()) {
      if (s.attributes & attribute::unusable) segment_fault(cpu, segment);
      const bool code = s.attributes & 8;
      if (write && (code || !(s.attributes & 2))) segment_fault(cpu, segment);
      if (!write && code && !(s.attributes & 2)) segment_fault(cpu, segment);
    }
    const std::uint64_t last = offset + size - 1;
    if ((s.attributes & 0xc) == 4 && !(s.attributes & 8)) {  // expand-down data
      const std::uint64_t top = s.attributes & attribute::db ? 0xffff'ffff : 0xffff;
      if (offset <= s.limit || last > top) segment_fault(cpu, segment);
    } else if (last > s.limit) {
      segment_fault(cpu, segment);
    }
    linear = (s.base + offset) & 0xffff'ffff;
  }
  const unsigned alignment = size == 10 ? 8 : size;  // 80-bit operands; 16-byte ones have rules of their own
  if (cpu.align_check && alignment <= 8 && (linear & (alignment - 1))) raise(cpu, Vector::ac, 0);
  if (cpu.mode & mode_careful) check_data_breakpoints(cpu, linear, size, write);
  return linear;
}

std::uint64_t wrap_linear(const Cpu& cpu, std::uint64_t linear) { return cpu.long_mode() ? linear : linear & 0xffff'ffff; }

// One piece inside one page.
void read_piece(Cpu& cpu, Gpa gpa, std::uint8_t* out, unsigned size) {
  const MemoryPage page = cpu.memory->page(gpa);
  if (page.host) {
    std::memcpy(out, page.host + (gpa & page_mask), size);
    return;
  }
  while (size > 0) {
    unsigned width = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
    const std::uint64_t value = leave_door(cpu, {ExitKind::memory_read, static_cast<std::uint8_t>(width), gpa, 0, {}}).value;
    std::memcpy(out, &value, width);
    gpa += width;
    out += width;
    size -= width;
  }
}

void write_piece(Cpu& cpu, Gpa gpa, const std::uint8_t* in, unsigned size) {
  const MemoryPage page = cpu.memory->page(gpa);
  if (page.host && page.writable) {
    cpu.paging->store(gpa, page.host + (gpa & page_mask), in, size);
    return;
  }
  while (size > 0) {
    const unsigned width = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
    std::uint64_t value = 0;
    std::memcpy(&value, in, width);
    leave_door(cpu, {ExitKind::memory_write, static_cast<std::uint8_t>(width), gpa, value, {}});
    gpa += width;
    in += width;
    size -= width;
  }
}

void tell(Cpu& cpu, std::uint64_t linear, Gpa gpa, unsigned size, bool write) {
  if (!cpu.watch->has_ranges()) [[likely]] return;
  cpu.watch->touched(linear, gpa, size, write, boundary_now(cpu));
  if (cpu.watch->wants_pause()) cpu.break_block = true;
}

void read_as(Cpu& cpu, std::uint64_t linear, void* out, unsigned size, bool user) {
  auto* bytes = static_cast<std::uint8_t*>(out);
  const unsigned room = static_cast<unsigned>(page_bytes - (linear & page_mask));
  const Gpa first = cpu.paging->translate_or_raise(linear, Access::read, user);
  if (size <= room) {
    tell(cpu, linear, first, size, false);
    read_piece(cpu, first, bytes, size);
    return;
  }
  const std::uint64_t next = wrap_linear(cpu, linear + room);
  const Gpa second = cpu.paging->translate_or_raise(next, Access::read, user);
  tell(cpu, linear, first, room, false);
  tell(cpu, next, second, size - room, false);
  read_piece(cpu, first, bytes, room);
  read_piece(cpu, second, bytes + room, size - room);
}

void write_as(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size, bool user) {
  const auto* bytes = static_cast<const std::uint8_t*>(in);
  const unsigned room = static_cast<unsigned>(page_bytes - (linear & page_mask));
  const Gpa first = cpu.paging->translate_or_raise(linear, Access::write, user);
  if (size <= room) {
    tell(cpu, linear, first, size, true);
    write_piece(cpu, first, bytes, size);
    return;
  }
  const std::uint64_t next = wrap_linear(cpu, linear + room);
  const Gpa second = cpu.paging->translate_or_raise(next, Access::write, user);
  tell(cpu, linear, first, room, true);
  tell(cpu, next, second, size - room, true);
  write_piece(cpu, first, bytes, room);
  write_piece(cpu, second, bytes + room, size - room);
}

}  // namespace

std::uint64_t operand_offset(const Cpu& cpu, const Op* op) {
  const std::uint64_t sum = reg64(cpu, op->base) + (reg64(cpu, op->index) << op->scale) + static_cast<std::int64_t>(op->disp);
  return sum & ones(address_size(op));
}

std::uint64_t linear_for_read(Cpu& cpu, unsigned segment, std::uint64_t offset, unsigned size) {
  return linear_checked(cpu, segment, offset, size, false);
}
std::uint64_t linear_for_write(Cpu& cpu, unsigned segment, std::uint64_t offset, unsigned size) {
  return linear_checked(cpu, segment, offset, size, true);
}

void read_linear(Cpu& cpu, std::uint64_t linear, void* out, unsigned size) { read_as(cpu, linear, out, size, cpu.cpl == 3); }
void write_linear(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size) { write_as(cpu, linear, in, size, cpu.cpl == 3); }
void read_system(Cpu& cpu, std::uint64_t linear, void* out, unsigned size) { read_as(cpu, linear, out, size, false); }
void write_system(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size) { write_as(cpu, linear, in, size, false); }
void write_stack_as(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size, unsigned cpl) {
  write_as(cpu, linear, in, size, cpl == 3);
}

void check_write_linear(Cpu& cpu, std::uint64_t linear, unsigned size) {
  const bool user = cpu.cpl == 3;
  cpu.paging->translate_or_raise(linear, Access::write, user);
  const std::uint64_t last = wrap_linear(cpu, linear + size - 1);
  if ((last ^ linear) & ~page_mask) cpu.paging->translate_or_raise(last & ~page_mask, Access::write, user);
}

Xmm load_aligned(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint64_t offset = operand_offset(cpu, op);
  if ((cpu.seg_base[op->seg] + offset) & 15) raise(cpu, Vector::gp, 0);
  const std::uint64_t linear = linear_for_read(cpu, op->seg, offset, 16);
  Xmm value;
  if (const std::uint8_t* host = fast_read<16>(cpu, linear))
    std::memcpy(&value, host, 16);
  else
    read_linear(cpu, linear, &value, 16);
  return value;
}

}  // namespace lockstitch::interp
