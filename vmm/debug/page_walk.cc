// See page_walk.h.
#include "vmm/debug/page_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace lockstitch::debug {
namespace {

constexpr std::uint64_t cr0_pg = 0x8000'0000, cr4_pse = 0x10, cr4_pae = 0x20, efer_lma = 0x400, efer_nxe = 0x800;
constexpr std::uint64_t entry_p = 1, entry_w = 2, entry_u = 4, entry_ps = 0x80, entry_nx = 1ull << 63;
constexpr std::uint64_t address_mask = 0x000f'ffff'ffff'f000;
constexpr const char* names[] = {"PTE", "PDE", "PDPTE", "PML4E"};

struct Bit {
  std::uint64_t mask;
  const char* name;
};
constexpr Bit bits[] = {{1, "P"},    {2, "W"},    {4, "U"},     {8, "PWT"},      {0x10, "PCD"},
                        {0x20, "A"}, {0x40, "D"}, {0x100, "G"}, {entry_nx, "NX"}};
constexpr const char* pte = names[0];

/// Nothing: the table lies outside of RAM.
std::optional<std::uint64_t> read_entry(GuestMemory& memory, Gpa at, unsigned bytes) {
  const MemoryPage page = memory.page(at);
  if (page.host == nullptr) return std::nullopt;
  std::uint64_t entry = 0;
  std::memcpy(&entry, page.host + (at & page_mask), bytes);
  return entry;
}

std::string bits_of(const PageStep& step) {
  const std::uint64_t entry = step.entry;
  std::string text;
  for (const Bit& bit : bits) {
    if (entry & bit.mask) text += text.empty() ? bit.name : std::string(" ") + bit.name;
  }
  if (entry & entry_ps) text += step.name == pte ? " PAT" : " PS";
  return text;
}

/// Bits that must be zero in an entry of this level. Source: SDM 3A tables 4-4 to 4-20, with 40 physical address bits.
std::uint64_t reserved_bits(const CpuState& cpu, unsigned level, std::uint64_t entry) {
  const bool long_mode = cpu.efer & efer_lma, large = entry & entry_ps;
  if (!(cpu.cr4 & cr4_pae)) return level == 2 && large && (cpu.cr4 & cr4_pse) ? 0x0020'0000 : 0;
  std::uint64_t reserved = 0x000f'ff00'0000'0000;
  if (!(cpu.efer & efer_nxe)) reserved |= entry_nx;
  if (!long_mode) reserved |= 0x7ff0'0000'0000'0000;
  if (level == 4) reserved |= entry_ps;
  if (level == 3 && !long_mode) reserved |= entry_nx | 0x1e6;
  if (level == 3 && long_mode && large) reserved |= 0x3fff'e000;
  if (level == 2 && large) reserved |= 0x001f'e000;
  return reserved;
}

enum class Obstacle : std::uint8_t { none, not_canonical, outside_ram, not_present, reserved };

/// `walk` may be null. The obstacle is met at entry `at` of `level`.
struct Walked {
  Gpa gpa = 0;
  Obstacle obstacle = Obstacle::none;
  unsigned level = 0;
  Gpa at = 0;
};

Walked walk_tables(const CpuState& cpu, GuestMemory& memory, std::uint64_t linear, PageWalk* walk) {
  const bool long_mode = cpu.efer & efer_lma, pae = cpu.cr4 & cr4_pae;
  if (!long_mode) linear &= 0xffff'ffff;
  if (long_mode && static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16) != linear) {
    return {0, Obstacle::not_canonical};
  }
  const unsigned entry_bytes = pae ? 8 : 4, index_bits = pae ? 9 : 10;
  Gpa table = cpu.cr3 & (long_mode ? address_mask : pae ? 0xffff'ffe0 : 0xffff'f000);
  for (unsigned level = long_mode ? 4 : pae ? 3 : 2;; --level) {
    const unsigned shift = 12 + index_bits * (level - 1);
    const bool pointer_table = pae && !long_mode && level == 3;  // four entries, without rights
    const std::uint64_t index = linear >> shift & (pointer_table ? 3 : (1u << index_bits) - 1);
    const Gpa at = table + index * entry_bytes;
    const auto found = read_entry(memory, at, entry_bytes);
    if (!found) return {0, Obstacle::outside_ram, level, at};
    const std::uint64_t entry = *found;
    if (walk != nullptr) walk->steps.push_back({names[level - 1], at, entry});
    if (!(entry & entry_p)) return {0, Obstacle::not_present, level, at};
    if (entry & reserved_bits(cpu, level, entry)) return {0, Obstacle::reserved, level, at};
    if (walk != nullptr && !pointer_table) {
      walk->writable &= (entry & entry_w) != 0;
      walk->user &= (entry & entry_u) != 0;
      walk->executable &= !pae || !(entry & entry_nx);
    }
    const bool large = (level == 2 || (level == 3 && long_mode)) && (entry & entry_ps) && (pae || (cpu.cr4 & cr4_pse));
    table = entry & (pae ? address_mask : 0xffff'f000);
    if (level > 1 && !large) continue;
    const std::uint64_t inside = (1ull << shift) - 1;
    if (walk != nullptr) walk->page_bytes = inside + 1;
    const Gpa high = !pae && large ? (entry & 0x001f'e000) << 19 : 0;  // PSE-36
    return {(table & ~inside) | high | (linear & inside)};
  }
}

}  // namespace

PageWalk walk_pages(const CpuState& cpu, GuestMemory& memory, std::uint64_t linear) {
  PageWalk walk;
  walk.writable = walk.user = walk.executable = true;
  if (!(cpu.cr0 & cr0_pg)) {
    walk.gpa = linear & 0xffff'ffff;
    walk.page_bytes = page_bytes;
    return walk;
  }
  const Walked walked = walk_tables(cpu, memory, linear, &walk);
  const char* const name = walked.level == 0 ? "" : names[walked.level - 1];
  switch (walked.obstacle) {
    case Obstacle::none:
      walk.gpa = walked.gpa;
      break;
    case Obstacle::not_canonical:
      walk.why_not = "the address is not canonical";
      break;
    case Obstacle::outside_ram:
      walk.why_not = fmt::format("the {} would lie outside of RAM, at {:#x}", name, walked.at);
      break;
    case Obstacle::not_present:
      walk.why_not = fmt::format("the {} is not present", name);
      break;
    case Obstacle::reserved:
      walk.why_not = fmt::format("reserved bits are set in the {}", name);
      break;
  }
  return walk;
}

std::string to_text(const PageWalk& walk, std::uint64_t linear) {
  std::string text = walk.steps.empty() && walk.gpa ? "paging is off\n" : "";
  for (const PageStep& step : walk.steps) {
    text += fmt::format("{:<6} at {:#012x}: {:#018x}  {}\n", step.name, step.at, step.entry, bits_of(step));
  }
  if (!walk.gpa) return text + fmt::format("{:#x} is not mapped: {}\n", linear, walk.why_not);
  return text + fmt::format("{:#x} is physical {:#x}, in a page of {} KiB: {}, {}, {}\n", linear, *walk.gpa,
                            walk.page_bytes >> 10, walk.writable ? "writable" : "read-only",
                            walk.user ? "for users too" : "for supervisors",
                            walk.executable ? "executable" : "not executable");
}

std::optional<Gpa> translate(const CpuState& cpu, GuestMemory& memory, std::uint64_t linear) {
  if (!(cpu.cr0 & cr0_pg)) return linear & 0xffff'ffff;
  const Walked walked = walk_tables(cpu, memory, linear, nullptr);
  if (walked.obstacle != Obstacle::none) return std::nullopt;
  return walked.gpa;
}

std::uint64_t read_linear(const CpuState& cpu, GuestMemory& memory, std::uint64_t address, MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto gpa = translate(cpu, memory, address + done);
    if (!gpa) break;
    const MemoryPage page = memory.page(*gpa);
    if (page.host == nullptr) break;
    const std::size_t inside = *gpa & page_mask, size = std::min<std::size_t>(out.size() - done, page_bytes - inside);
    std::memcpy(out.data() + done, page.host + inside, size);
    done += size;
  }
  return done;
}

}  // namespace lockstitch::debug
