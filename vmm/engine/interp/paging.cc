// See paging.h.
#include "vmm/engine/interp/paging.h"

#include <cstring>

#include "vmm/engine/interp/block_store.h"
#include "vmm/engine/interp/interp.h"

namespace lockstitch::interp {
namespace {

constexpr std::uint64_t entry_p = 1, entry_w = 2, entry_u = 4, entry_a = 0x20, entry_d = 0x40, entry_ps = 0x80;
constexpr std::uint64_t entry_nx = 1ull << 63;
constexpr std::uint64_t address_mask = 0x0000'00ff'ffff'f000;      // 40 physical address bits
constexpr std::uint64_t reserved_high = 0x000f'ff00'0000'0000;     // the rest of bits 51:40
constexpr std::uint8_t slow_stores_max = 200;

constexpr std::uint32_t fault_p = 1, fault_w = 2, fault_u = 4, fault_rsvd = 8, fault_fetch = 16;

}  // namespace

Paging::Paging(Cpu& cpu, GuestMemory& memory)
    : cpu_(cpu), memory_(memory), tlb_(sets * tlb_entries), fetch_(sets * fetch_entries) {
  tables_.resize(1);  // index 0 means none
  select();
}

// ---- caches ----

void Paging::new_epochs() {
  for (auto& e : epoch_) e.mode = ~0u;
  select();
}

void Paging::flush() {
  for (auto& e : tlb_) e = {};
  for (auto& e : fetch_) e = {};
  data_regions_ = fetch_regions_ = {};
  notes_.for_each([this](Gpa, Note& n) {
    n.writer = 0;
    if (n.kind & note_is_table) release_table(n);
  });
  root_used_ = {};
  new_epochs();
}

void Paging::flush_writes() {
  for (auto& e : tlb_) e.tag_write = tlb_empty;
  notes_.for_each([](Gpa, Note& n) { n.writer = 0; });
}

void Paging::select() {
  const bool user = cpu_.cpl == 3;
  const std::uint64_t root = (cpu_.cr0 & cr0::pg) ? cpu_.cr3 | 1 : 0;  // bit 0 tells "paging off" from CR3 = 0
  if (!root_used_[current_root_] || root_[current_root_] != root) {
    unsigned slot = roots;
    for (unsigned i = 0; i < roots; ++i)
      if (root_used_[i] && root_[i] == root) slot = i;
    if (slot == roots) {
      slot = next_root_;
      next_root_ = (next_root_ + 1) % roots;
      for (unsigned set = slot * 2; set < slot * 2 + 2; ++set) {
        for (unsigned i = 0; i < tlb_entries; ++i) tlb_[set * tlb_entries + i] = {};
        for (unsigned i = 0; i < fetch_entries; ++i) fetch_[set * fetch_entries + i] = {};
        data_regions_[set] = fetch_regions_[set] = {};
        epoch_[set].mode = ~0u;
      }
      root_[slot] = root;
      root_used_[slot] = true;
    }
    current_root_ = slot;
  }
  const unsigned set = current_root_ * 2 + user;
  cpu_.tlb = &tlb_[set * tlb_entries];
  Epoch& e = epoch_[set];
  if (e.mode != cpu_.mode) {
    e.mode = cpu_.mode;
    e.value = ++last_epoch_;
    if (last_epoch_ == 0) {  // wrapped: old links could look valid again
      cpu_.blocks->flush_soon();
      cpu_.break_block = true;
    }
  }
  cpu_.fetch_epoch = e.value;
}

// A region of 2 MiB owns a window of 512 slots in each set, together with the regions that share its bit. Result: code was there.
bool Paging::invalidate_region(std::uint64_t base) {
  constexpr std::uint64_t mask = ~((1ull << 21) - 1);
  bool code = false;
  for (unsigned set = 0; set < sets; ++set) {
    if (data_regions_[set].may_have(base)) {
      TlbEntry* const window = &tlb_[set * tlb_entries + ((base >> 12) & (tlb_entries - 1))];
      bool others = false;
      for (unsigned i = 0; i < 512; ++i) {
        TlbEntry& e = window[i];
        if (e.tag_read == tlb_empty) continue;
        if ((e.tag_read & mask) == base)
          e = {};
        else
          others |= Regions::same_bit(e.tag_read, base);
      }
      if (!others) data_regions_[set].remove(base);
    }
    if (fetch_regions_[set].may_have(base)) {
      FetchEntry* const window = &fetch_[set * fetch_entries + ((base >> 12) & (fetch_entries - 1))];
      for (unsigned i = 0; i < 512; ++i)
        if (window[i].tag != tlb_empty && (window[i].tag & mask) == base) {
          window[i] = {};
          code = true;
        }
    }
  }
  return code;
}

// Drops every cached translation of linear addresses [base, base + 2^shift).
void Paging::invalidate(std::uint64_t base, unsigned shift) {
  bool code = false;
  if (shift == 12) {
    for (unsigned set = 0; set < sets; ++set) {
      TlbEntry& e = tlb_[set * tlb_entries + ((base >> 12) & (tlb_entries - 1))];
      if (e.tag_read == base || e.tag_write == base) e = {};
      FetchEntry& f = fetch_[set * fetch_entries + ((base >> 12) & (fetch_entries - 1))];
      if (f.tag == base) {
        f = {};
        code = true;
      }
    }
  } else if (shift == 21) {
    code = invalidate_region(base);
  } else {
    const std::uint64_t mask = ~((1ull << shift) - 1);
    for (auto& e : tlb_)
      if ((e.tag_read & mask) == base || (e.tag_write & mask) == base) e = {};
    for (auto& f : fetch_)
      if ((f.tag & mask) == base) {
        f = {};
        code = true;
      }
  }
  if (code) {
    new_epochs();
    cpu_.break_block = true;
  }
}

void Paging::release_table(Note& n) {
  free_tables_.push_back(n.table);
  n.table = 0;
  n.kind &= ~note_is_table;
}

void Paging::revoke_writes(Gpa page, Note& n) {
  if (n.writer == 0) return;
  if (n.writer != many_writers) {
    TlbEntry& e = tlb_[n.writer - 1];
    if (e.gpa == page) e.tag_write = tlb_empty;
  } else {
    for (auto& e : tlb_)
      if (e.gpa == page) e.tag_write = tlb_empty;
  }
  n.writer = 0;
}

void Paging::note_code(Gpa gpa) {
  Note& n = note(gpa);
  n.slow_stores = 0;
  if (n.kind & note_is_code) return;
  n.kind |= note_is_code;
  revoke_writes(gpa & ~page_mask, n);
}

void Paging::forget_code(Gpa gpa) { note(gpa).kind &= ~note_is_code; }

void Paging::note_table(Gpa table_page, std::uint64_t base, unsigned shift, unsigned entry_bytes) {
  Note& n = note(table_page);
  if (!(n.kind & note_is_table)) {
    n.kind |= note_is_table;
    revoke_writes(table_page, n);
    if (free_tables_.empty()) {
      free_tables_.push_back(static_cast<std::uint32_t>(tables_.size()));
      tables_.emplace_back();
    }
    n.table = free_tables_.back();
    free_tables_.pop_back();
    tables_[n.table].roles = 0;
  }
  n.slow_stores = 0;
  Table& table = tables_[n.table];
  for (unsigned i = 0; i < table.roles && i < table.role.size(); ++i) {
    const Role& r = table.role[i];
    if (r.base == base && r.shift == shift && r.entry_bytes == entry_bytes) return;
  }
  if (table.roles < table.role.size()) table.role[table.roles] = {base, static_cast<std::uint8_t>(shift), static_cast<std::uint8_t>(entry_bytes)};
  if (table.roles <= table.role.size()) ++table.roles;
}

// Bytes [first, last] of a table page changed from `before`: drop what the changed present entries gave.
void Paging::table_store(Note& n, Gpa, const std::uint8_t* before, const std::uint8_t* host_page, unsigned first, unsigned last) {
  const Table table = tables_[n.table];
  if (table.roles > table.role.size()) {
    flush();
    cpu_.break_block = true;
    return;
  }
  for (unsigned i = 0; i < table.roles; ++i) {
    const Role& r = table.role[i];
    for (unsigned at = first & ~(r.entry_bytes - 1u); at <= last; at += r.entry_bytes) {
      const std::uint8_t* old = before + at;
      if (!(old[0] & entry_p) || std::memcmp(old, host_page + at, r.entry_bytes) == 0) continue;
      std::uint64_t base = r.base + (static_cast<std::uint64_t>(at / r.entry_bytes) << r.shift);
      if (r.shift == 39) base = static_cast<std::uint64_t>(static_cast<std::int64_t>(base << 16) >> 16);
      if (r.entry_bytes == 4 || r.shift == 30) base &= cpu_.long_mode() ? ~0ull : 0xffff'ffffull;
      invalidate(base, r.shift);
    }
  }
}

void Paging::store(Gpa gpa, std::uint8_t* host, const void* data, unsigned size) {
  Note& n = note(gpa);
  memory_.mark_dirty(gpa);
  if (n.kind == 0) {
    std::memcpy(host, data, size);
    return;
  }
  const unsigned first = gpa & page_mask, last = first + size - 1;
  if (n.kind & note_is_table) {
    std::uint8_t before[page_bytes];  // only the touched entries are copied
    std::uint8_t* page = host - first;
    const unsigned from = first & ~7u, to = last | 7u;
    std::memcpy(before + from, page + from, to - from + 1);
    std::memcpy(host, data, size);
    table_store(n, gpa, before, page, first, last);
    // A page that is written often and no longer walked has become an ordinary page: forget it, at the price of its entries.
    if ((n.kind & note_is_table) && ++n.slow_stores >= slow_stores_max) {
      const Table table = tables_[n.table];
      for (unsigned i = 0; i < table.roles && i < table.role.size(); ++i) {
        const Role& r = table.role[i];
        const unsigned span = r.shift + (r.entry_bytes == 8 ? 9 : 10);
        const std::uint64_t base = r.shift == 39 ? 0 : r.base;
        if (span >= 48)
          flush();
        else
          invalidate(base & ~((1ull << span) - 1), span);
      }
      if (n.kind & note_is_table) release_table(n);
      n.slow_stores = 0;
    }
  } else {
    std::memcpy(host, data, size);
  }
  if (n.kind & note_is_code) {
    if (cpu_.blocks->written(gpa, size)) {
      cpu_.break_block = true;
    } else if (++n.slow_stores >= slow_stores_max) {
      n.slow_stores = 0;
      cpu_.blocks->drop_page(gpa & ~page_mask);
      cpu_.break_block = true;
    }
  }
}

void Paging::written_by_device(Gpa gpa, std::uint64_t length) {
  for (std::uint64_t at = gpa; at < gpa + length; at = (at | page_mask) + 1) {
    Note* const known = notes_.find(at);
    if (known == nullptr) continue;
    Note& n = *known;
    if (n.kind & note_is_table) {
      flush();  // the bytes before are gone; DMA into page tables is rare enough
      cpu_.break_block = true;
    }
    if (n.kind & note_is_code) {
      cpu_.blocks->drop_page(at & ~page_mask);
      cpu_.break_block = true;
    }
  }
}

// ---- translation ----

std::uint64_t Paging::read_entry(Gpa gpa, unsigned bytes, bool& in_memory) {
  const MemoryPage page = memory_.page(gpa);
  in_memory = page.host != nullptr;
  std::uint64_t value = 0;
  if (in_memory) std::memcpy(&value, page.host + (gpa & page_mask), bytes);
  return value;
}

void Paging::set_entry_bits(Gpa gpa, std::uint64_t bits) {
  const MemoryPage page = memory_.page(gpa);
  if (!page.writable) return;
  std::uint8_t* host = page.host + (gpa & page_mask);
  if ((host[0] & bits) == bits) return;
  host[0] |= static_cast<std::uint8_t>(bits);  // A and D are bits 5 and 6
  if (cpu_.watch->has_ranges()) cpu_.watch->written(gpa, 1, WatchKind::write, boundary_now(cpu_));
  memory_.mark_dirty(gpa);
  if (note(gpa).kind & note_is_code) {
    if (cpu_.blocks->written(gpa, 1)) cpu_.break_block = true;
  }
}

Translation Paging::walk(std::uint64_t linear, Access access, bool user) {
  Translation result;
  if (!(cpu_.cr0 & cr0::pg)) {
    result.ok = true;
    result.gpa = linear & 0xffff'ffff;
    result.dirty = true;
    return result;
  }
  const bool nxe = cpu_.efer & efer::nxe;
  const bool write = access == Access::write, fetch = access == Access::fetch;
  const bool pae = cpu_.cr4 & cr4::pae, long_mode = cpu_.long_mode();
  result.error_code = (write ? fault_w : 0) | (user ? fault_u : 0) | (fetch && nxe && pae ? fault_fetch : 0);

  const unsigned entry_bytes = pae ? 8 : 4;
  const unsigned index_bits = pae ? 9 : 10;
  int level = long_mode ? 4 : pae ? 3 : 2;
  Gpa table = long_mode ? cpu_.cr3 & address_mask : pae ? cpu_.cr3 & 0xffff'ffe0 : cpu_.cr3 & 0xffff'f000;
  bool may_write = true, may_user = true, no_execute = false;
  Gpa path[4];
  unsigned steps = 0;
  std::uint64_t entry = 0;
  unsigned shift = 0;

  for (;; --level) {
    shift = 12 + index_bits * static_cast<unsigned>(level - 1);
    const bool pointer_table = pae && !long_mode && level == 3;  // the four PDPTEs: no rights, no A
    const unsigned index = pointer_table ? (linear >> 30) & 3 : (linear >> shift) & ((1u << index_bits) - 1);
    const Gpa at = table + std::uint64_t{index} * entry_bytes;
    const std::uint64_t region = index_bits + shift >= 48 ? 0 : linear & ~((1ull << (shift + index_bits)) - 1);
    bool in_memory;
    entry = read_entry(at, entry_bytes, in_memory);
    if (!in_memory || !(entry & entry_p)) return result;
    note_table(at & ~page_mask, pointer_table ? 0 - ((table & page_mask) / 8 << 30) : region, shift, entry_bytes);
    path[steps++] = at;
    if (pae) {
      std::uint64_t reserved = reserved_high | (nxe ? 0 : entry_nx);
      if (pointer_table) reserved |= entry_nx | 0x1e6;
      if (level == 4) reserved |= entry_ps;
      if (level == 3 && long_mode && (entry & entry_ps)) reserved |= 0x3fff'e000;
      if (level == 2 && (entry & entry_ps)) reserved |= 0x001f'e000;
      if (!long_mode) reserved |= 0x7ff0'0000'0000'0000;
      if (entry & reserved) {
        result.error_code |= fault_p | fault_rsvd;
        return result;
      }
    } else if (level == 2 && (entry & entry_ps) && (cpu_.cr4 & cr4::pse) && (entry & 0x003e'0000 & ~0x001f'e000ull)) {
      result.error_code |= fault_p | fault_rsvd;
      return result;
    }
    if (!pointer_table) {
      may_write &= (entry & entry_w) != 0;
      may_user &= (entry & entry_u) != 0;
      no_execute |= pae && (entry & entry_nx);
    }
    const bool large = level > 1 && level < 4 && !pointer_table && (entry & entry_ps) && (pae || (cpu_.cr4 & cr4::pse));
    if (level == 1 || large) break;
    table = entry & (pae ? address_mask : 0xffff'f000ull);
  }

  const bool protect = user || (cpu_.cr0 & cr0::wp);
  if ((user && !may_user) || (write && protect && !may_write) || (fetch && no_execute)) {
    result.error_code |= fault_p;
    return result;
  }
  for (unsigned i = 0; i < steps; ++i) {
    if (pae && !long_mode && i == 0) continue;
    set_entry_bits(path[i], entry_a | (i + 1 == steps && write ? entry_d : 0));
  }
  const std::uint64_t inside = (1ull << shift) - 1;
  Gpa frame;
  if (!pae && shift == 22)
    frame = (entry & 0xffc0'0000) | ((entry & 0x001f'e000) << 19);
  else
    frame = entry & (pae ? address_mask : 0xffff'f000ull) & ~inside;
  result.ok = true;
  result.gpa = frame | (linear & inside);
  result.dirty = write || ((entry & entry_d) && (may_write || !protect));
  return result;
}

Translation Paging::translate(std::uint64_t linear, Access access, bool user) {
  const Translation t = walk(linear, access, user);
  if (!t.ok || access == Access::fetch) return t;
  const MemoryPage page = memory_.page(t.gpa);
  if (!page.host) return t;
  const std::uint64_t linear_page = linear & ~page_mask;
  const unsigned slot = (current_root_ * 2 + user) * tlb_entries + ((linear >> 12) & (tlb_entries - 1));
  TlbEntry& e = tlb_[slot];
  const Watch::Needs watched =
      cpu_.watch->has_ranges() ? cpu_.watch->needs(linear_page, t.gpa & ~page_mask) : Watch::Needs{};
  if (watched.reads) return t;
  if (e.tag_read != linear_page) e = {};
  e.tag_read = linear_page;
  data_regions_[current_root_ * 2 + user].add(linear_page);
  e.addend = reinterpret_cast<std::uint64_t>(page.host) - linear_page;
  e.gpa = t.gpa & ~page_mask;
  if (access == Access::write && page.writable && !watched.writes) {
    Note& n = note(t.gpa);
    if (n.kind == 0) {
      memory_.mark_dirty(t.gpa);
      e.tag_write = linear_page;
      if (n.writer == 0 || n.writer == slot + 1)
        n.writer = static_cast<std::uint16_t>(slot + 1);
      else
        n.writer = many_writers;
    }
  }
  return t;
}

Gpa Paging::translate_or_raise(std::uint64_t linear, Access access, bool user) {
  const Translation t = translate(linear, access, user);
  if (!t.ok) {
    cpu_.cr2 = linear;
    raise(cpu_, Vector::pf, t.error_code);
  }
  return t.gpa;
}

Gpa Paging::translate_fetch(std::uint64_t linear) {
  const bool user = cpu_.cpl == 3;
  const std::uint64_t linear_page = linear & ~page_mask;
  FetchEntry& f = fetch_[(current_root_ * 2 + user) * fetch_entries + ((linear >> 12) & (fetch_entries - 1))];
  if (f.tag == linear_page) return f.gpa | (linear & page_mask);
  const Translation t = walk(linear, Access::fetch, user);
  if (!t.ok) {
    cpu_.cr2 = linear;
    raise(cpu_, Vector::pf, t.error_code);
  }
  if (f.tag != tlb_empty) {
    // The jump cache and links may still hold the evicted page under this epoch. That stays right as long as the
    // mapping does, but invalidate() would no longer find it here: give up the epoch.
    new_epochs();
  }
  f.tag = linear_page;
  fetch_regions_[current_root_ * 2 + user].add(linear_page);
  f.gpa = t.gpa & ~page_mask;
  return t.gpa;
}

}  // namespace lockstitch::interp
