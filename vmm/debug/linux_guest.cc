// See linux_guest.h.
#include "vmm/debug/linux_guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "vmm/debug/page_walk.h"

namespace lockstitch::debug {
namespace {

constexpr std::uint64_t region_begin = 0xffff'ffff'8000'0000, region_end = 0xffff'ffff'c000'0000;
constexpr std::uint64_t linked_at = 0xffff'ffff'8100'0000;
constexpr std::uint64_t large_page = 2u << 20;
/// Unit: bytes. Kernels are smaller.
constexpr std::uint64_t image_max_bytes = 128u << 20;
constexpr std::string_view line_ends("\n\0", 2);

Error no_linux(std::string_view why) {
  return {ExitCode::usage, fmt::format("This is no 64-bit Linux kernel at work: {}.", why)};
}

/// The kernel's mapping from its first page on; what is not mapped is zeros.
std::string read_image(const CpuState& cpu, GuestMemory& memory, std::uint64_t base) {
  std::uint64_t end = base;
  for (std::uint64_t at = base; at < region_end && at - base < image_max_bytes; at += page_bytes) {
    if (translate(cpu, memory, at)) end = at + page_bytes;
  }
  std::string image(end - base, '\0');
  for (std::size_t at = 0; at < image.size(); at += page_bytes) {
    read_linear(cpu, memory, base + at, {reinterpret_cast<std::uint8_t*>(image.data()) + at, page_bytes});
  }
  return image;
}

template <class T>
T value_at(const std::string& image, std::size_t offset) {
  T value{};
  if (offset + sizeof(T) <= image.size()) std::memcpy(&value, image.data() + offset, sizeof value);
  return value;
}

std::size_t aligned(std::size_t offset) { return (offset + 7) & ~std::size_t{7}; }

/// The tables of kernel/kallsyms.c in their order in memory: offsets, relative base, number of symbols, names, markers,
/// token table, token index. The last two are found by their shape; from there the others follow.
class Kallsyms {
 public:
  Kallsyms(const std::string& image, std::uint64_t text_base) : image_(image), text_base_(text_base) {}

  std::optional<std::vector<SymbolTable::Symbol>> read() {
    for (std::size_t at = 0; (at = find_token_index(at)) != std::string::npos; at += 8) {
      token_index_ = at;
      if (!find_token_table()) continue;
      if (auto symbols = find_names()) return symbols;
    }
    return std::nullopt;
  }

 private:
  /// 256 ascending offsets of which the first is 0 and none is far from the one before.
  std::size_t find_token_index(std::size_t from) const {
    for (std::size_t at = from; at + 512 <= image_.size(); at += 8) {
      if (value_at<std::uint16_t>(image_, at) != 0) continue;
      unsigned last = 0;
      int i = 1;
      for (; i < 256; ++i) {
        const unsigned next = value_at<std::uint16_t>(image_, at + 2 * static_cast<std::size_t>(i));
        if (next <= last || next > last + 64) break;
        last = next;
      }
      if (i == 256) return at;
    }
    return std::string::npos;
  }

  /// It lies in front of its index and has a string for each; digits and letters stand for themselves.
  bool find_token_table() {
    const std::size_t last = value_at<std::uint16_t>(image_, token_index_ + 510);
    for (std::size_t room = aligned(last + 2); room < last + 80; room += 8) {
      if (room > token_index_) return false;
      token_table_ = token_index_ - room;
      if (token('0') == "0" && token('9') == "9" && token('A') == "A" && token('z') == "z") return true;
    }
    return false;
  }

  std::string_view token(unsigned number) const {
    const std::size_t at = token_table_ + value_at<std::uint16_t>(image_, token_index_ + 2 * std::size_t{number});
    const std::size_t end = image_.find('\0', at);
    return at < token_index_ && end != std::string::npos ? std::string_view(image_).substr(at, end - at)
                                                         : std::string_view();
  }

  // The relative base is the kernel's first address; the number of symbols follows it, and then their names.
  std::optional<std::vector<SymbolTable::Symbol>> find_names() const {
    for (std::size_t at = 0; at + 16 <= token_table_; at += 8) {
      if (value_at<std::uint64_t>(image_, at) != text_base_) continue;
      const auto count = value_at<std::uint32_t>(image_, at + 8);
      if (count < 1000 || value_at<std::uint32_t>(image_, at + 12) != 0) continue;
      if (auto symbols = decode(at + 16, count, token_table_)) return symbols;
    }
    return std::nullopt;
  }

  std::optional<std::vector<SymbolTable::Symbol>> decode(std::size_t names, std::uint32_t count,
                                                         std::size_t limit) const {
    const std::size_t base_at = names - 16;
    const std::size_t offsets = base_at - aligned(std::size_t{count} * 4);
    if (offsets > base_at) return std::nullopt;
    // A kernel for several CPUs: offsets that are not negative are absolute, the places of per-CPU variables; the
    // others count backwards from the base. A kernel for one CPU: all count forwards.
    const auto offset_of = [&](std::uint32_t i) {
      return std::int64_t{value_at<std::int32_t>(image_, offsets + std::size_t{i} * 4)};
    };
    bool backwards = false;
    for (std::uint32_t i = 0; i < count && !backwards; ++i) backwards = offset_of(i) < 0;
    std::vector<SymbolTable::Symbol> symbols;
    std::size_t at = names;
    for (std::uint32_t i = 0; i < count; ++i) {
      std::size_t length = static_cast<std::uint8_t>(image_[at++]);
      if (length & 0x80) length = (length & 0x7f) | std::size_t{static_cast<std::uint8_t>(image_[at++])} << 7;
      if (length == 0 || at + length >= limit) return std::nullopt;
      std::string name;
      for (; length > 0; --length) name += token(static_cast<std::uint8_t>(image_[at++]));
      if (name.size() < 2) return std::nullopt;
      const std::int64_t offset = offset_of(i);
      if (backwards && offset >= 0) continue;
      const auto distance = static_cast<std::uint64_t>(backwards ? -1 - offset : offset);
      symbols.push_back({text_base_ + distance, name[0], name.substr(1)});
    }
    return symbols;
  }

  const std::string& image_;
  const std::uint64_t text_base_;
  std::size_t token_index_ = 0, token_table_ = 0;
};

/// `image`: from the kernel's text on.
struct Found {
  LinuxKernel kernel;
  std::string image;
};

/// Result: npos if there is none. The text stands twice: where the number of the build is missing, "# SMP", it is a
/// place holder (init/version.c).
std::size_t find_banner(const std::string& image) {
  static constexpr std::string_view begin = "Linux version ";
  const std::size_t first = image.find(begin);
  for (std::size_t at = first; at != std::string::npos; at = image.find(begin, at + begin.size())) {
    const std::size_t number = image.find(") #", at);
    if (number == std::string::npos) break;
    if (number + 3 < image.size() && image[number + 3] != ' ' && image.find_first_of(line_ends, at) > number) return at;
  }
  return first;
}

Result<Found> look_for_linux(const CpuState& cpu, GuestMemory& memory) {
  if (cpu.lstar < region_begin || cpu.lstar >= region_end) return no_linux("LSTAR does not point into a kernel's text");
  if (!translate(cpu, memory, cpu.lstar)) return no_linux("its system call entry is not mapped in this address space");
  Found found;
  LinuxKernel& kernel = found.kernel;
  kernel.text_base = cpu.lstar & ~(large_page - 1);
  while (kernel.text_base > region_begin && translate(cpu, memory, kernel.text_base - large_page))
    kernel.text_base -= large_page;
  kernel.offset = kernel.text_base - linked_at;
  found.image = read_image(cpu, memory, kernel.text_base);
  const std::size_t at = find_banner(found.image);
  if (at == std::string::npos) return no_linux("there is no version text in its image");
  kernel.banner = found.image.substr(at, std::min(found.image.find_first_of(line_ends, at), at + 256) - at);
  return found;
}

}  // namespace

Result<LinuxKernel> find_linux(const CpuState& cpu, GuestMemory& memory) {
  auto found = look_for_linux(cpu, memory);
  if (!found.ok()) return found.error();
  return std::move(found).value().kernel;
}

Result<SymbolTable> read_kallsyms(const CpuState& cpu, GuestMemory& memory) {
  const auto found = look_for_linux(cpu, memory);
  if (!found.ok()) return found.error();
  const LinuxKernel& kernel = found.value().kernel;
  auto symbols = Kallsyms(found.value().image, kernel.text_base).read();
  if (!symbols) {
    return Error{
        ExitCode::usage,
        fmt::format("No table of symbols was found in the memory of {}; this program knows the form of Linux 6.1. "
                    "Use the kernel's System.map with offset {:#x}.",
                    kernel.banner, kernel.offset)};
  }
  return SymbolTable(std::move(*symbols));
}

std::string to_text(const LinuxKernel& kernel) {
  return fmt::format("text {:#x}, offset {:#x}\n{}\n", kernel.text_base, kernel.offset, kernel.banner);
}

Result<std::string> save_linux_symbols(const CpuState& cpu, GuestMemory& memory, const std::string& path) {
  const auto symbols = read_kallsyms(cpu, memory);
  if (!symbols.ok()) return symbols.error();
  if (const Outcome written = write_symbol_elf(symbols.value(), path); !written.ok()) return written.error();
  return fmt::format("{} symbols are in {}; `add-symbol-file {}` reads them.\n", symbols.value().size(), path, path);
}

}  // namespace lockstitch::debug
