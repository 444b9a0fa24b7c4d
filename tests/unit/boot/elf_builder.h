// A small ELF executable made by hand: one loaded segment, optionally a PVH note.
#pragma once
#include <vector>

#include "vmm/boot/little_endian.h"

namespace lockstitch::boot {

inline constexpr std::uint64_t elf_content_bytes = 0x80, elf_zero_bytes = 0x40;

struct ElfRecipe {
  bool wide = false;
  bool note = true;
  std::uint64_t physical_base = 0x10'0000;
  std::uint64_t virtual_base = 0x10'0000;
};

/// Layout: headers, note at C0h, content (AAh) from 100h. Entry at virtual_base + 10h, PVH entry at 100040h.
inline std::vector<std::uint8_t> elf_image(const ElfRecipe& recipe) {
  constexpr std::uint64_t note_at = 0xc0, note_bytes = 20, content_at = 0x100;
  std::vector<std::uint8_t> image(content_at + elf_content_bytes, 0);
  put<std::uint32_t>(image, 0, 0x464c'457f);
  image[4] = recipe.wide ? 2 : 1;
  image[5] = image[6] = 1;
  put<std::uint16_t>(image, 16, 2);
  put<std::uint16_t>(image, 18, recipe.wide ? 62 : 3);
  put<std::uint32_t>(image, 20, 1);
  const unsigned headers = recipe.note ? 2 : 1;
  std::uint64_t table = 0, entry_bytes = 0;
  if (recipe.wide) {
    table = 64, entry_bytes = 56;
    put<std::uint64_t>(image, 24, recipe.virtual_base + 0x10);
    put<std::uint64_t>(image, 32, table);
    put<std::uint16_t>(image, 54, entry_bytes);
    put<std::uint16_t>(image, 56, headers);
  } else {
    table = 52, entry_bytes = 32;
    put<std::uint32_t>(image, 24, recipe.virtual_base + 0x10);
    put<std::uint32_t>(image, 28, table);
    put<std::uint16_t>(image, 42, entry_bytes);
    put<std::uint16_t>(image, 44, headers);
  }
  auto program = [&](unsigned index, std::uint32_t type, std::uint64_t offset, std::uint64_t vaddr, std::uint64_t paddr,
                     std::uint64_t file_bytes, std::uint64_t memory_bytes) {
    const std::uint64_t at = table + index * entry_bytes;
    put<std::uint32_t>(image, at, type);
    if (recipe.wide) {
      const std::uint64_t fields[] = {offset, vaddr, paddr, file_bytes, memory_bytes, 4};
      for (unsigned i = 0; i < 6; ++i) put<std::uint64_t>(image, at + 8 + 8 * i, fields[i]);
    } else {
      const std::uint64_t fields[] = {offset, vaddr, paddr, file_bytes, memory_bytes, 7, 4};
      for (unsigned i = 0; i < 7; ++i) put<std::uint32_t>(image, at + 4 + 4 * i, static_cast<std::uint32_t>(fields[i]));
    }
  };
  program(0, 1, content_at, recipe.virtual_base, recipe.physical_base, elf_content_bytes,
          elf_content_bytes + elf_zero_bytes);
  for (std::uint64_t i = 0; i < elf_content_bytes; ++i) image[content_at + i] = 0xaa;
  if (recipe.note) {
    program(1, 4, note_at, 0, 0, note_bytes, note_bytes);
    put<std::uint32_t>(image, note_at, 4);
    put<std::uint32_t>(image, note_at + 4, 4);
    put<std::uint32_t>(image, note_at + 8, 18);
    put<std::uint32_t>(image, note_at + 12, 0x006e'6558);  // "Xen"
    put<std::uint32_t>(image, note_at + 16, 0x10'0040);
  }
  return image;
}

}  // namespace lockstitch::boot
