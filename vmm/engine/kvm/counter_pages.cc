// See counter_pages.h. Source: SDM 3A 4.5 (4-level paging).
#include "vmm/engine/kvm/counter_pages.h"

#include <array>
#include <cstring>

namespace lockstitch::kvm {

namespace {

constexpr std::uint64_t present = 1, user_bit = 4, large = 0x80, no_execute = 1ull << 63;
constexpr std::uint64_t address_mask = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t efer_lma = 0x400, efer_nxe = 0x800, cr0_pg = 0x8000'0000, cr4_la57 = 0x1000;
constexpr unsigned near_pages = 4;

/// RDTSC is 0F 31, RDTSCP 0F 01 F9.
bool reads_counter(const std::uint8_t* page) {
  const std::uint8_t* at = page;
  const std::uint8_t* const end = page + page_bytes;
  while (at + 1 < end) {
    at = static_cast<const std::uint8_t*>(std::memchr(at, 0x0f, static_cast<std::size_t>(end - at - 1)));
    if (at == nullptr) return false;
    if (at[1] == 0x31 || (at[1] == 0x01 && at + 2 < end && at[2] == 0xf9)) return true;
    ++at;
  }
  return false;
}

/// The processor itself reads descriptors and stacks there while it delivers events, which must not leave the guest.
/// Range: addresses that are mapped one to one.
bool processor_needs(const CpuState& cpu, Gpa page) {
  const auto overlaps = [page](std::uint64_t base, std::uint64_t limit) {
    return base < page + page_bytes && base + limit >= page;
  };
  const Segment& task = cpu.segment[unsigned(SegmentName::tr)];
  const std::uint64_t stack = cpu.segment[unsigned(SegmentName::ss)].base + cpu.gpr[unsigned(Gpr::rsp)];
  return overlaps(cpu.gdtr.base, cpu.gdtr.limit) || overlaps(cpu.idtr.base, cpu.idtr.limit) ||
         overlaps(task.base, task.limit) || overlaps(stack - page_bytes, page_bytes);
}

std::uint64_t sign_extended(std::uint64_t linear) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16);
}

}  // namespace

void CounterPages::check(Gpa gpa) {
  const std::uint64_t number = gpa / page_bytes;
  if (number < clean_.size() && clean_[number]) return;
  const MemoryPage page = memory_.page(gpa);
  if (page.host == nullptr) return;
  if (reads_counter(page.host)) {
    changed_ |= held_.insert(gpa).second;
    return;
  }
  changed_ |= held_.erase(gpa) != 0;
  if (number >= clean_.size()) clean_.resize(number + 1);
  clean_[number] = true;
}

void CounterPages::written(Gpa gpa, std::uint64_t length) {
  for (Gpa page = gpa & ~page_mask; page < gpa + length; page += page_bytes) {
    forget(page);
    check(page);
  }
}

void CounterPages::forget(Gpa gpa) {
  const std::uint64_t number = gpa / page_bytes;
  if (number < clean_.size()) clean_[number] = false;
}

void CounterPages::forget_all() {
  clean_.clear();
  changed_ |= !held_.empty();
  held_.clear();
}

void CounterPages::look(const CpuState& cpu) {
  const bool long_mode = (cpu.cr0 & cr0_pg) && (cpu.efer & efer_lma);
  const bool high = cpu.rip >> 47 != 0;
  if (!high) {
    // Without paging, or mapped one to one by whoever starts a kernel.
    const std::uint64_t code_base = long_mode ? 0 : cpu.segment[unsigned(SegmentName::cs)].base;
    const Gpa here = (code_base + cpu.rip) & ~page_mask;
    if (!(cpu.cr0 & cr0_pg) || long_mode) {
      for (Gpa page = here < near_pages * page_bytes ? 0 : here - near_pages * page_bytes;
           page <= here + near_pages * page_bytes; page += page_bytes) {
        if (!processor_needs(cpu, page)) check(page);
      }
    }
  }
  if (long_mode && !(cpu.cr4 & cr4_la57)) walk(cpu.cr3 & address_mask, 4, 0, true, cpu);
}

void CounterPages::walk(Gpa table, unsigned level, std::uint64_t linear, bool user, const CpuState& cpu) {
  std::array<std::uint64_t, 512> entries;
  if (!memory_.read(table, {reinterpret_cast<std::uint8_t*>(entries.data()), sizeof entries})) return;
  const unsigned shift = 12 + 9 * (level - 1);
  for (std::uint64_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t entry = entries[i];
    if (!(entry & present) || ((entry & no_execute) && (cpu.efer & efer_nxe))) continue;
    const std::uint64_t at = linear | i << shift;
    const bool for_user = user && (entry & user_bit);
    const bool leaf = level == 1 || (level <= 3 && (entry & large));
    if (!leaf) {
      walk(entry & address_mask, level - 1, at, for_user, cpu);
      continue;
    }
    // The kernel's half, or a process's.
    if (sign_extended(at) >> 47 == 0 && !for_user) continue;
    const std::uint64_t bytes = 1ull << shift;
    const Gpa first = entry & address_mask & ~(bytes - 1);
    for (Gpa page = first; page < first + bytes; page += page_bytes) check(page);
  }
}

bool CounterPages::take_changed() {
  const bool changed = changed_;
  changed_ = false;
  return changed;
}

}  // namespace lockstitch::kvm
