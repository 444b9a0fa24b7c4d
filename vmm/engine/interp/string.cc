// String instructions. A REP form retires one tick for every chunk, and a chunk ends where its source or destination reaches a page
// boundary, or at completion: a property of addresses alone, so that it does not depend on caches. Inside a chunk, host memory
// operations serve when both pages are plain memory; otherwise the elements go one by one.
#include "vmm/engine/interp/branch.h"
#include "vmm/engine/interp/chunk.h"
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/segments.h"

namespace lockstitch::interp {
namespace {

enum class Kind { movs, cmps, stos, lods, scas };

constexpr bool uses_source(Kind k) { return k == Kind::movs || k == Kind::cmps || k == Kind::lods; }
constexpr bool uses_destination(Kind k) { return k != Kind::lods; }
constexpr bool compares(Kind k) { return k == Kind::cmps || k == Kind::scas; }

template <class T>
std::uint16_t compare(T x, T y) {
  std::uint16_t flags;
  asm("cmp %2, %1\n\tlahf\n\tseto %%al" : "=&a"(flags) : "r"(x), "r"(y) : "cc");
  return flags;
}

template <class T>
T read_element(Cpu& cpu, unsigned segment, std::uint64_t offset) {
  const std::uint64_t linear = linear_for_read(cpu, segment, offset, sizeof(T));
  T value;
  if (const std::uint8_t* host = fast_read<sizeof(T)>(cpu, linear))
    std::memcpy(&value, host, sizeof(T));
  else
    read_linear(cpu, linear, &value, sizeof(T));
  return value;
}
template <class T>
void write_element(Cpu& cpu, std::uint64_t offset, T value) {
  const std::uint64_t linear = linear_for_write(cpu, es, offset, sizeof(T));
  if (std::uint8_t* host = fast_write<sizeof(T)>(cpu, linear))
    std::memcpy(host, &value, sizeof(T));
  else
    write_linear(cpu, linear, &value, sizeof(T));
}

// One element: accesses first, then index registers. Result: the flags of a comparison.
template <Kind kind, class T>
std::uint16_t element(Cpu& cpu, const Op* op) {
  std::uint16_t flags = 0;
  const unsigned address = address_size(op);
  const std::uint64_t mask = ones(address);
  const std::uint64_t source = cpu.gpr[6] & mask, destination = cpu.gpr[7] & mask;
  if constexpr (kind == Kind::movs) {
    write_element<T>(cpu, destination, read_element<T>(cpu, op->seg, source));
  } else if constexpr (kind == Kind::stos) {
    write_element<T>(cpu, destination, reg<T>(cpu, 0));
  } else if constexpr (kind == Kind::lods) {
    set_reg<T>(cpu, 0, read_element<T>(cpu, op->seg, source));
  } else if constexpr (kind == Kind::cmps) {
    const T x = read_element<T>(cpu, op->seg, source);
    flags = compare<T>(x, read_element<T>(cpu, es, destination));
  } else {
    flags = compare<T>(reg<T>(cpu, 0), read_element<T>(cpu, es, destination));
  }
  const std::uint64_t step = cpu.other_flags & flag::df ? 0 - sizeof(T) : sizeof(T);
  if constexpr (uses_source(kind)) write_address_register(cpu, 6, cpu.gpr[6] + step, address);
  if constexpr (uses_destination(kind)) write_address_register(cpu, 7, cpu.gpr[7] + step, address);
  return flags;
}

template <Kind kind, class T>
void single(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const std::uint16_t flags = element<kind, T>(cpu, op);
  if constexpr (compares(kind)) cpu.flags = flags;
  LS_FINISH(cpu, op);
}

// Host pointers for a whole forward chunk in 64-bit mode, or false.
template <Kind kind, class T>
bool chunk_in_memory(Cpu& cpu, const Op* op, std::uint64_t count) {
  if (!cpu.code64() || address_size(op) != 8 || (cpu.other_flags & flag::df) || (cpu.mode & mode_careful)) return false;
  const std::uint64_t bytes = count * sizeof(T);
  const std::uint8_t* from = nullptr;
  std::uint8_t* to = nullptr;
  if constexpr (uses_source(kind)) {
    const std::uint64_t linear = linear_for_read(cpu, op->seg, cpu.gpr[6], sizeof(T));
    if ((linear & page_mask) + bytes > page_bytes) return false;
    from = readable(cpu, linear);
    if (!from) return false;
  }
  if constexpr (kind == Kind::movs || kind == Kind::stos) {
    const std::uint64_t linear = linear_for_write(cpu, es, cpu.gpr[7], sizeof(T));
    if ((linear & page_mask) + bytes > page_bytes) return false;
    to = writable(cpu, linear);
    if (!to) return false;
    // Making room for the second page may have replaced the first one's TLB entry, not its memory: `from` stays good.
  }
  if constexpr (kind == Kind::movs) {
    if (to > from && to < from + bytes) return false;  // a forward copy repeats what it just wrote
    std::memmove(to, from, bytes);
  } else if constexpr (kind == Kind::stos) {
    const T value = reg<T>(cpu, 0);
    if constexpr (sizeof(T) == 1) {
      std::memset(to, value, bytes);
    } else {
      for (std::uint64_t i = 0; i < count; ++i) std::memcpy(to + i * sizeof(T), &value, sizeof(T));
    }
  } else {
    return false;
  }
  if constexpr (uses_source(kind)) cpu.gpr[6] += bytes;
  cpu.gpr[7] += bytes;
  cpu.gpr[1] -= count;
  return true;
}

template <Kind kind, class T>
void repeated(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned address = address_size(op);
  const std::uint64_t mask = ones(address);
  bool done = (cpu.gpr[1] & mask) == 0;
  if (!done) {
    std::uint64_t count = cpu.gpr[1] & mask;
    if constexpr (uses_source(kind)) count = std::min(count, elements_to_page_end(cpu, op->seg, cpu.gpr[6] & mask, sizeof(T)));
    if constexpr (uses_destination(kind)) count = std::min(count, elements_to_page_end(cpu, es, cpu.gpr[7] & mask, sizeof(T)));
    if (one_at_a_time(cpu)) count = 1;
    if (count < 4 || !chunk_in_memory<kind, T>(cpu, op, count)) {
      std::uint16_t flags = cpu.flags;  // a fault part-way leaves the old ones
      for (; count > 0; --count) {
        flags = element<kind, T>(cpu, op);
        write_address_register(cpu, 1, cpu.gpr[1] - 1, address);
        if constexpr (compares(kind)) {
          const bool equal = flags & flags_zf;
          if (equal != static_cast<bool>(op->extra & extra_rep)) {
            done = true;
            break;
          }
        }
      }
      if constexpr (compares(kind)) cpu.flags = flags;
    }
    done = done || (cpu.gpr[1] & mask) == 0;
  }
  if (done && cpu.code64() && !cpu.break_block) LS_GO_INDIRECT(cpu, next_rip(cpu, op));
  LS_LEAVE_CHUNK(cpu, op, done);
}

template <Kind kind>
Handler bind_single(const Decoded& d, Op&) {
  return by_size(d.size, []<class T>() -> Handler { return single<kind, T>; });
}
template <Kind kind>
Handler bind_repeated(const Decoded& d, Op&) {
  return by_size(d.size, []<class T>() -> Handler { return repeated<kind, T>; });
}

constexpr std::uint32_t memory = attr::implicit_memory, ends = attr::implicit_memory | attr::ends;

#define LS_STRING_ROWS(name, kind, opcode)                                                                                   \
  {"rep " name "b", Map::one, opcode, ends, Size::b, Imm::none, bind_repeated<kind>, 0, -1, Prefix::pf3},                    \
      {"repne " name "b", Map::one, opcode, ends, Size::b, Imm::none, bind_repeated<kind>, 0, -1, Prefix::pf2},              \
      {name "b", Map::one, opcode, memory, Size::b, Imm::none, bind_single<kind>},                                           \
      {"rep " name "v", Map::one, opcode + 1, ends, Size::v, Imm::none, bind_repeated<kind>, 0, -1, Prefix::pf3},            \
      {"repne " name "v", Map::one, opcode + 1, ends, Size::v, Imm::none, bind_repeated<kind>, 0, -1, Prefix::pf2},          \
  {                                                                                                                          \
    name "v", Map::one, opcode + 1, memory, Size::v, Imm::none, bind_single<kind>                                            \
  }

constexpr Row rows[] = {
    LS_STRING_ROWS("movs", Kind::movs, 0xa4),
    LS_STRING_ROWS("cmps", Kind::cmps, 0xa6),
    LS_STRING_ROWS("stos", Kind::stos, 0xaa),
    LS_STRING_ROWS("lods", Kind::lods, 0xac),
    LS_STRING_ROWS("scas", Kind::scas, 0xae),
};

}  // namespace

std::span<const Row> rows_string() { return rows; }

}  // namespace lockstitch::interp
