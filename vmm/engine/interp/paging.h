// From linear to physical: the page walk with exact A and D bits, and the software TLB. The TLB is never visible: every
// store to a page that served as a page table drops what was derived from it, so INVLPG and reloads of CR3 have nothing to do.
// Source: SDM 3A chapter 4.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "vmm/engine/interp/cpu.h"
#include "vmm/engine/interp/sparse_pages.h"

namespace lockstitch::interp {

enum class Access : std::uint8_t { read, write, fetch };

struct Translation {
  bool ok = false;
  Gpa gpa = 0;                    ///< of the byte asked for
  std::uint32_t error_code = 0;   ///< of the #PF when !ok
  bool dirty = false;             ///< the leaf entry has D and permits this privilege to write
};

class Paging {
 public:
  Paging(Cpu& cpu, GuestMemory& memory);

  /// Walks, sets A and D, and remembers the result. Never raises.
  Translation translate(std::uint64_t linear, Access access, bool user);

  /// As translate() for data, but raises #PF.
  Gpa translate_or_raise(std::uint64_t linear, Access access, bool user);

  /// Physical address of the instruction byte at `linear` for the current privilege; raises #PF.
  Gpa translate_fetch(std::uint64_t linear);

  /// Writes to guest memory from inside the engine that the TLB did not permit: keeps code and page tables coherent.
  void store(Gpa gpa, std::uint8_t* host, const void* data, unsigned size);
  /// Somebody else wrote `length` bytes.
  void written_by_device(Gpa gpa, std::uint64_t length);

  /// After a change of CR0, CR3, CR4, EFER or CPL: selects the TLB set and the fetch epoch.
  void select();
  /// Translations may change in any way (paging mode, write protection, memory map).
  void flush();
  /// Drops write permissions only (dirty bits were cleared).
  void flush_writes();

  /// The page now holds decoded code: stores to it must come through store().
  void note_code(Gpa gpa);
  void forget_code(Gpa gpa);

 private:
  static constexpr unsigned roots = 4;
  static constexpr unsigned sets = roots * 2;
  static constexpr unsigned fetch_entries = 4096;

  enum NoteKind : std::uint8_t { note_is_code = 1, note_is_table = 2 };
  /// What the engine knows about a physical page.
  struct Note {
    std::uint8_t kind = 0;
    std::uint8_t slow_stores = 0;
    std::uint16_t writer = 0;       ///< TLB slot + 1 that may write the page, many_writers if more than one did
    std::uint32_t table = 0;        ///< index into tables_
  };
  static constexpr std::uint16_t many_writers = 0xffff;

  /// One position of a table page in an address space: entry i maps [base + i << shift, ... + 1 << shift).
  struct Role {
    std::uint64_t base = 0;
    std::uint8_t shift = 0;
    std::uint8_t entry_bytes = 0;
  };
  struct Table {
    std::array<Role, 4> role;
    unsigned roles = 0;  ///< more than role.size(): unknown, flush everything
  };
  struct FetchEntry {
    std::uint64_t tag = tlb_empty;
    std::uint64_t gpa = 0;
  };

  /// Which 2 MiB regions may have entries in a set; one bit stands for many regions.
  class Regions {
   public:
    void add(std::uint64_t linear) { words_[slot(linear) / 64] |= 1ull << (slot(linear) % 64); }
    void remove(std::uint64_t linear) { words_[slot(linear) / 64] &= ~(1ull << (slot(linear) % 64)); }
    bool may_have(std::uint64_t linear) const { return words_[slot(linear) / 64] >> (slot(linear) % 64) & 1; }
    static bool same_bit(std::uint64_t a, std::uint64_t b) { return slot(a) == slot(b); }

   private:
    static unsigned slot(std::uint64_t linear) { return linear >> 21 & 1023; }
    std::array<std::uint64_t, 16> words_{};
  };

  Note& note(Gpa gpa) { return notes_.at(gpa); }
  void note_table(Gpa table_page, std::uint64_t base, unsigned shift, unsigned entry_bytes);
  void release_table(Note& note);
  void revoke_writes(Gpa page, Note& note);
  void table_store(Note& note, Gpa gpa, const std::uint8_t* before, const std::uint8_t* host_page, unsigned first, unsigned last);
  void invalidate(std::uint64_t base, unsigned shift);
  bool invalidate_region(std::uint64_t base);
  void new_epochs();
  Translation walk(std::uint64_t linear, Access access, bool user);
  std::uint64_t read_entry(Gpa gpa, unsigned bytes, bool& present_memory);
  void set_entry_bits(Gpa gpa, std::uint64_t bits);

  Cpu& cpu_;
  GuestMemory& memory_;
  std::vector<TlbEntry> tlb_;           ///< sets * tlb_entries
  std::vector<FetchEntry> fetch_;       ///< sets * fetch_entries
  std::array<Regions, sets> data_regions_, fetch_regions_;
  std::array<std::uint64_t, roots> root_{};  ///< CR3 of each slot
  std::array<bool, roots> root_used_{};
  unsigned current_root_ = 0, next_root_ = 0;
  struct Epoch {
    std::uint32_t mode = ~0u;
    std::uint32_t value = 0;
  };
  std::array<Epoch, sets> epoch_{};
  std::uint32_t last_epoch_ = 0;
  SparsePages<Note> notes_;
  std::vector<Table> tables_;
  std::vector<std::uint32_t> free_tables_;
};

}  // namespace lockstitch::interp
