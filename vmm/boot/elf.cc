// See elf.h.
#include "vmm/boot/elf.h"

#include <algorithm>
#include <string>

#include "vmm/boot/guest_image.h"
#include "vmm/boot/little_endian.h"

namespace lockstitch::boot {

namespace {

constexpr std::uint32_t segment_load = 1, segment_note = 4, phys32_entry = 18;

Error broken(std::string why) { return {ExitCode::bad_input, "the ELF kernel cannot be loaded: " + std::move(why)}; }

/// The fields of one program header, 32 or 64 bits wide.
struct ProgramHeader {
  std::uint32_t type;
  std::uint64_t offset, virtual_address, physical_address, file_bytes, memory_bytes, alignment;
};

ProgramHeader program_header(Bytes image, std::uint64_t at, bool wide) {
  auto word = [&](std::uint64_t offset) { return get<std::uint32_t>(image, at + offset); };
  auto quad = [&](std::uint64_t offset) { return get<std::uint64_t>(image, at + offset); };
  if (wide) return {word(0), quad(8), quad(16), quad(24), quad(32), quad(40), quad(48)};
  return {word(0), word(4), word(8), word(12), word(16), word(20), word(28)};
}

std::optional<std::uint32_t> find_pvh_entry(Bytes notes, std::uint64_t alignment) {
  const std::uint64_t unit = alignment == 8 ? 8 : 4;
  auto padded = [&](std::uint64_t n) { return (n + unit - 1) & ~(unit - 1); };
  for (std::uint64_t at = 0; inside(at, 12, notes.size());) {
    const std::uint64_t name_bytes = get<std::uint32_t>(notes, at), content_bytes = get<std::uint32_t>(notes, at + 4);
    const std::uint64_t name = at + 12, content = name + padded(name_bytes);
    if (!inside(content, content_bytes, notes.size())) return std::nullopt;
    static constexpr std::uint8_t xen[] = {'X', 'e', 'n', 0};
    if (get<std::uint32_t>(notes, at + 8) == phys32_entry && name_bytes == 4 && content_bytes >= 4 &&
        std::equal(std::begin(xen), std::end(xen), notes.begin() + name))
      return get<std::uint32_t>(notes, content);
    at = content + padded(content_bytes);
  }
  return std::nullopt;
}

}  // namespace

bool is_elf(Bytes image) { return inside(0, 4, image.size()) && get<std::uint32_t>(image, 0) == 0x464c'457f; }

Result<ElfImage> parse_elf(Bytes image) {
  if (!is_elf(image)) return broken("it is no ELF file");
  if (image.size() < 52) return broken("the file ends inside its header");
  const bool wide = image[4] == 2;
  if ((image[4] != 1 && image[4] != 2) || image[5] != 1) return broken("it is not for x86");
  if (wide && image.size() < 64) return broken("the file ends inside its header");
  const auto machine = get<std::uint16_t>(image, 18);
  if (machine != 3 && machine != 62) return broken("it is not for x86");
  if (get<std::uint16_t>(image, 16) != 2) return broken("it is not an executable");

  const std::uint64_t table = wide ? get<std::uint64_t>(image, 32) : get<std::uint32_t>(image, 28);
  const std::uint64_t entry_bytes = get<std::uint16_t>(image, wide ? 54 : 42);
  const unsigned count = get<std::uint16_t>(image, wide ? 56 : 44);
  if (entry_bytes < (wide ? 56u : 32u)) return broken("its program headers are too small");
  if (!inside(table, entry_bytes * count, image.size())) return broken("the file ends inside its program headers");

  ElfImage elf;
  elf.entry = wide ? get<std::uint64_t>(image, 24) : get<std::uint32_t>(image, 24);
  bool translated = false;
  for (unsigned i = 0; i < count; ++i) {
    const ProgramHeader header = program_header(image, table + i * entry_bytes, wide);
    if (header.type != segment_load && header.type != segment_note) continue;
    if (!inside(header.offset, header.file_bytes, image.size())) return broken("the file is truncated");
    if (header.type == segment_note) {
      if (!elf.pvh_entry)
        elf.pvh_entry = find_pvh_entry(image.subspan(header.offset, header.file_bytes), header.alignment);
      continue;
    }
    if (header.memory_bytes == 0) continue;
    if (header.memory_bytes < header.file_bytes) return broken("a segment is smaller in memory than in the file");
    elf.segments.push_back(
        {header.offset, header.file_bytes, header.virtual_address, header.physical_address, header.memory_bytes});
    const std::uint64_t original = wide ? get<std::uint64_t>(image, 24) : get<std::uint32_t>(image, 24);
    if (!translated && original - header.virtual_address < header.memory_bytes) {
      elf.entry = original - header.virtual_address + header.physical_address;
      translated = true;
    }
  }
  if (elf.segments.empty()) return broken("it has nothing to load");
  return elf;
}

Result<Gpa> store_segments(GuestMemory& memory, const LoadRequest& request, const ElfImage& elf) {
  Gpa end = 0;
  for (const ElfSegment& segment : elf.segments) {
    const Gpa place = segment.physical_address;
    if (place < high_memory_gpa) return broken("a segment lies below 1 MiB, where the boot information goes");
    if (!inside(place, segment.memory_bytes, four_gib)) return broken("a segment lies above 4 GiB");
    if (!is_usable(request.memory_map, place, segment.memory_bytes)) {
      return Error{ExitCode::usage, "the ELF kernel needs memory up to " +
                                        std::to_string((place + segment.memory_bytes + 0xf'ffff) >> 20) +
                                        " MiB, more than the guest has; give it more with --memory"};
    }
    const Bytes content = request.kernel.subspan(segment.file_offset, segment.file_bytes);
    if (auto stored = store(memory, place, content, "the kernel"); !stored) return stored.error();
    if (auto stored = store_zeros(memory, place + content.size(), segment.memory_bytes - content.size(), "the kernel");
        !stored)
      return stored.error();
    end = std::max(end, place + segment.memory_bytes);
  }
  return end;
}

}  // namespace lockstitch::boot
