// Reads an ELF executable for x86: what to load where, where to enter, and the PVH note. Not here: how the entry is
// made (pvh.h, multiboot.h). Source: ELF-64 Object File Format 1.5; System V ABI i386; Xen public/elfnote.h (note 18,
// PHYS32_ENTRY).
#pragma once
#include <optional>
#include <vector>

#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/load_request.h"

namespace lockstitch::boot {

struct ElfSegment {
  std::uint64_t file_offset = 0;
  std::uint64_t file_bytes = 0;  ///< inside the image
  std::uint64_t virtual_address = 0;
  Gpa physical_address = 0;
  std::uint64_t memory_bytes = 0;  ///< at least file_bytes; the rest is zero
};

struct ElfImage {
  std::uint64_t entry = 0;                 ///< physical: translated by the segment that holds it
  std::optional<std::uint32_t> pvh_entry;  ///< physical
  std::vector<ElfSegment> segments;        ///< PT_LOAD with memory_bytes > 0, in file order
};

bool is_elf(Bytes image);

/// Fails: not for x86, not an executable, truncated, nothing to load.
Result<ElfImage> parse_elf(Bytes image);

/// Copies the segments. Result: the end of the highest. Fails: below 1 MiB, at or above 4 GiB, or not in usable memory.
Result<Gpa> store_segments(GuestMemory& memory, const LoadRequest& request, const ElfImage& elf);

}  // namespace lockstitch::boot
