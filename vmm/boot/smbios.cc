// See smbios.h.
#include "vmm/boot/smbios.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace lockstitch::boot {

namespace {

using Table = std::vector<std::uint8_t>;

constexpr std::uint16_t system_handle = 0x100, chassis_handle = 0x300, processor_handle = 0x400;
constexpr std::uint16_t array_handle = 0x1000, module_handle = 0x1100, range_handle = 0x1300, boot_handle = 0x2000;
constexpr std::uint16_t end_handle = 0x7f00;
constexpr std::uint8_t unknown = 2, safe = 3;
constexpr std::uint64_t kib = 1 << 10, mib = 1 << 20;

/// One structure: its formatted part grows by the calls, its strings are numbered from 1.
class Structure {
 public:
  Structure(std::uint8_t type, std::uint16_t handle) : bytes_{type, 0} { number(handle, 2); }

  Structure& number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  Structure& zeros(unsigned count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  Structure& text(std::string_view text) {
    strings_.insert(strings_.end(), text.begin(), text.end());
    strings_.push_back(0);
    return number(++count_, 1);
  }
  template <class Bytes>
  Structure& raw(const Bytes& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  void append_to(Table& table) {
    bytes_[1] = static_cast<std::uint8_t>(bytes_.size());
    table.insert(table.end(), bytes_.begin(), bytes_.end());
    table.insert(table.end(), strings_.begin(), strings_.end());
    if (strings_.empty()) table.push_back(0);
    table.push_back(0);
  }

 private:
  Table bytes_;
  Table strings_;
  std::uint8_t count_ = 0;
};

std::uint8_t negative_sum(const Table& bytes, std::size_t from, std::size_t to) {
  std::uint8_t sum = 0;
  for (std::size_t i = from; i < to; ++i) sum = static_cast<std::uint8_t>(sum + bytes[i]);
  return static_cast<std::uint8_t>(-sum);
}

}  // namespace

SmbiosFiles smbios_files(const SmbiosRequest& request) {
  SmbiosFiles files;
  Table& t = files.tables;
  std::uint64_t memory_bytes = 0;
  unsigned structures = 0;
  std::size_t largest = 0;
  const auto add = [&](Structure& structure) {
    const std::size_t before = t.size();
    structure.append_to(t);
    largest = std::max(largest, t.size() - before);
    ++structures;
  };
  for (const MemoryRegion& region : request.memory_map)
    if (region.kind == MemoryKind::usable) memory_bytes += region.length;

  add(Structure(1, system_handle)
          .text("Lockstitch")
          .text("PC-1")
          .text("1")
          .zeros(1)
          .raw(request.uuid)
          .number(6, 1)
          .zeros(2));
  add(Structure(3, chassis_handle)
          .text("Lockstitch")
          .number(1, 1)
          .zeros(3)
          .number(safe, 1)
          .number(safe, 1)
          .number(safe, 1)
          .number(unknown, 1)
          .zeros(4)
          .zeros(5));
  add(Structure(4, processor_handle)
          .text("CPU 0")
          .number(3, 1)
          .number(1, 1)
          .text("Lockstitch")
          .zeros(8)
          .text("v2")
          .zeros(1)
          .zeros(2)
          .number(2000, 2)
          .number(1000, 2)
          .number(0x41, 1)
          .number(1, 1)
          .number(0xffff, 2)
          .number(0xffff, 2)
          .number(0xffff, 2)
          .zeros(3)
          .number(1, 1)
          .number(1, 1)
          .number(1, 1)
          .zeros(2)
          .number(1, 2));
  add(Structure(16, array_handle)
          .number(1, 1)
          .number(3, 1)
          .number(6, 1)
          .number(std::min<std::uint64_t>(memory_bytes / kib, 0x8000'0000), 4)
          .number(0xfffe, 2)
          .number(1, 2)
          .number(memory_bytes / kib >= 0x8000'0000 ? memory_bytes : 0, 8));
  const std::uint64_t module_mib = memory_bytes / mib;
  add(Structure(17, module_handle)
          .number(array_handle, 2)
          .number(0xfffe, 2)
          .number(0xffff, 2)
          .number(0xffff, 2)
          .number(module_mib < 0x7fff ? module_mib : 0x7fff, 2)
          .number(9, 1)
          .zeros(1)
          .text("DIMM 0")
          .zeros(1)
          .number(7, 1)
          .number(2, 2)
          .zeros(2)
          .text("Lockstitch")
          .zeros(4)
          .number(module_mib < 0x7fff ? 0 : module_mib, 4)
          .zeros(8));
  std::uint16_t handle = range_handle;
  for (const MemoryRegion& region : request.memory_map) {
    // Ranges below 1 MiB are one with what lies above.
    if (region.kind != MemoryKind::usable || (region.base == 0 && region.length < mib)) continue;
    const Gpa base = region.base == mib ? 0 : region.base, last = region.base + region.length - 1;
    add(Structure(19, handle++)
            .number(base / kib, 4)
            .number(last / kib, 4)
            .number(array_handle, 2)
            .number(1, 1)
            .zeros(16));
  }
  add(Structure(32, boot_handle).zeros(6).zeros(1));
  Structure end(127, end_handle);
  add(end);

  Table& a = files.anchor;
  a = {'_', 'S', 'M', '_', 0, 31, 2, 8};
  a.push_back(static_cast<std::uint8_t>(largest));
  a.push_back(static_cast<std::uint8_t>(largest >> 8));
  a.resize(16);
  for (const char c : std::string_view("_DMI_")) a.push_back(static_cast<std::uint8_t>(c));
  a.resize(31);
  a[22] = static_cast<std::uint8_t>(t.size());
  a[23] = static_cast<std::uint8_t>(t.size() >> 8);
  a[28] = static_cast<std::uint8_t>(structures);
  a[29] = static_cast<std::uint8_t>(structures >> 8);
  a[30] = 0x28;
  a[21] = negative_sum(a, 16, 31);
  a[4] = negative_sum(a, 0, 31);
  return files;
}

}  // namespace lockstitch::boot
