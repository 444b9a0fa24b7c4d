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

struct Bit {
  std::uint64_t mask;
  const char* name;
};
constexpr Bit bits[] = {{1, "P"},    {2, "W"},    {4, "U"},     {8, "PWT"},      {0x10, "PCD"},
                        {0x20, "A"}, {0x40, "D"}, {0x100, "G"}, {entry_nx, "NX"}};

/// Nothing: the table lies outside of RAM.
std::optional<std::uint64_t> read_entry(GuestMemory& memory, Gpa at, unsigned bytes) {
  const MemoryPage page = memory.page(at);
  if (page.host == nullptr) return std::nullopt;
  std::uint64_t entry = 0;
  std::memcpy(&entry, page.host + (at & page_mask), bytes);
  return entry;
}

std::string bits_of(std::uint64_t entry) {
  std::string text;
  for (const Bit& bit : bits) {
    if (entry & bit.mask) text += text.empty() ? bit.name : std::string(" ") + bit.name;
  }
  return text;
}

}  // namespace

PageWalk walk_pages(const CpuState& cpu, GuestMemory& memory, std::uint64_t linear) {
  PageWalk walk;
  if (!(cpu.cr0 & cr0_pg)) {
    walk.gpa = linear & 0xffff'ffff;
    walk.page_bytes = page_bytes;
    walk.writable = walk.user = walk.executable = true;
    return walk;
  }
  const bool long_mode = cpu.efer & efer_lma, pae = cpu.cr4 & cr4_pae;
  if (!long_mode) linear &= 0xffff'ffff;
  if (long_mode && static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16) != linear) {
    walk.why_not = "the address is not canonical";
    return walk;
  }
  static constexpr const char* names[] = {"PTE", "PDE", "PDPTE", "PML4E"};
  const unsigned entry_bytes = pae ? 8 : 4, index_bits = pae ? 9 : 10;
  Gpa table = long_mode ? cpu.cr3 & address_mask : pae ? cpu.cr3 & 0xffff'ffe0 : cpu.cr3 & 0xffff'f000;
  walk.writable = walk.user = walk.executable = true;
  for (unsigned level = long_mode ? 4 : pae ? 3 : 2; level > 0; --level) {
    const unsigned shift = 12 + index_bits * (level - 1);
    const bool pointer_table = pae && !long_mode && level == 3;
    const std::uint64_t index = linear >> shift & (pointer_table ? 3 : (1u << index_bits) - 1);
    const Gpa at = table + index * entry_bytes;
    const auto entry = read_entry(memory, at, entry_bytes);
    if (!entry) {
      walk.why_not = fmt::format("the {} would lie outside of RAM, at {:#x}", names[level - 1], at);
      return walk;
    }
    walk.steps.push_back({names[level - 1], at, *entry});
    if (!(*entry & entry_p)) {
      walk.why_not = fmt::format("the {} is not present", names[level - 1]);
      return walk;
    }
    if (!pointer_table) {
      walk.writable &= (*entry & entry_w) != 0;
      walk.user &= (*entry & entry_u) != 0;
      walk.executable &= !pae || !(cpu.efer & efer_nxe) || !(*entry & entry_nx);
    }
    const bool large = level > 1 && level < 4 && !pointer_table && (*entry & entry_ps) && (pae || (cpu.cr4 & cr4_pse));
    if (level == 1 || large) {
      walk.page_bytes = 1ull << shift;
      const std::uint64_t inside = walk.page_bytes - 1;
      const Gpa frame = !pae && large ? (*entry & 0xffc0'0000) | ((*entry & 0x001f'e000) << 19)
                                      : *entry & (pae ? address_mask : 0xffff'f000) & ~inside;
      walk.gpa = frame | (linear & inside);
      return walk;
    }
    table = *entry & (pae ? address_mask : 0xffff'f000);
  }
  return walk;
}

std::string to_text(const PageWalk& walk, std::uint64_t linear) {
  std::string text = walk.steps.empty() && walk.gpa ? "paging is off\n" : "";
  for (const PageStep& step : walk.steps) {
    text += fmt::format("{:<6} at {:#012x}: {:#018x}  {}\n", step.name, step.at, step.entry, bits_of(step.entry));
  }
  if (!walk.gpa) return text + fmt::format("{:#x} is not mapped: {}\n", linear, walk.why_not);
  return text + fmt::format("{:#x} is physical {:#x}, in a page of {} KiB: {}, {}, {}\n", linear, *walk.gpa,
                            walk.page_bytes >> 10, walk.writable ? "writable" : "read-only",
                            walk.user ? "for users too" : "for supervisors",
                            walk.executable ? "executable" : "not executable");
}

std::optional<Gpa> translate(const CpuState& cpu, GuestMemory& memory, std::uint64_t linear) {
  return walk_pages(cpu, memory, linear).gpa;
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
