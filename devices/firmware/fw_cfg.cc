// See fw_cfg.h.
#include "devices/firmware/fw_cfg.h"

#include <algorithm>

#include "lockstitch/assert.h"

namespace lockstitch {
namespace {
constexpr std::uint16_t directory_key = 0x19, first_file_key = 0x20;
/// Bit 14 of a selector asks for a way to write that was given up.
constexpr std::uint16_t key_bits = 0xbfff;
constexpr std::uint32_t dma_error = 1, dma_read = 2, dma_skip = 4, dma_select = 8, dma_write = 16;
constexpr std::size_t descriptor_bytes = 16;
/// Unit: bytes. A transfer goes to memory in pieces of this size.
constexpr std::size_t piece_bytes = 4096;
constexpr std::array<std::uint8_t, 8> dma_signature{'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

void append_big_endian(std::vector<std::uint8_t>& to, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
}  // namespace

void FwCfg::set_entry(std::uint16_t key, std::vector<std::uint8_t> contents) {
  LS_ASSERT((key < first_file_key && key != directory_key) || key >= 0x8000);
  entries_[key] = std::move(contents);
}

void FwCfg::set_files(const std::map<std::string, std::vector<std::uint8_t>>& files) {
  std::vector<std::uint8_t> directory;
  append_big_endian(directory, files.size(), 4);
  std::uint16_t key = first_file_key;
  for (const auto& [name, contents] : files) {
    LS_ASSERT_CMP(name.size(), <=, name_max_bytes);
    append_big_endian(directory, contents.size(), 4);
    append_big_endian(directory, key, 2);
    append_big_endian(directory, 0, 2);
    directory.insert(directory.end(), name.begin(), name.end());
    directory.resize(directory.size() + name_max_bytes + 1 - name.size());
    entries_[key++] = contents;
  }
  entries_[directory_key] = std::move(directory);
}

void FwCfg::reset() {
  key_ = 0;
  offset_ = 0;
  dma_address_ = 0;
}

void FwCfg::visit(StateVisitor& v) {
  v.field("key", key_);
  v.field("offset", offset_);
  v.field("dma_address", dma_address_);
}

void FwCfg::select(std::uint16_t key) {
  key_ = key & key_bits;
  offset_ = 0;
}

std::uint8_t FwCfg::next_byte() {
  const auto entry = entries_.find(key_);
  if (entry == entries_.end() || offset_ >= entry->second.size()) return 0;
  return entry->second[offset_++];
}

bool FwCfg::read_into(Gpa gpa, std::uint64_t bytes) {
  const auto entry = entries_.find(key_);
  const std::uint64_t size = entry == entries_.end() ? 0 : entry->second.size();
  std::array<std::uint8_t, piece_bytes> piece;
  while (bytes > 0) {
    const std::uint64_t length = std::min<std::uint64_t>(bytes, piece.size());
    const std::uint64_t there = offset_ < size ? std::min(length, size - offset_) : 0;
    if (there != 0) std::copy_n(entry->second.begin() + static_cast<std::ptrdiff_t>(offset_), there, piece.begin());
    std::fill_n(piece.begin() + static_cast<std::ptrdiff_t>(there), length - there, std::uint8_t{0});
    if (!memory_.write(gpa, Bytes(piece).first(length))) return false;
    offset_ += there;
    gpa += length;
    bytes -= length;
  }
  return true;
}

void FwCfg::transfer() {
  const Gpa at = dma_address_;
  dma_address_ = 0;
  std::array<std::uint8_t, descriptor_bytes> descriptor;
  if (!memory_.read(at, descriptor)) return;
  const auto control = static_cast<std::uint32_t>(big_endian(Bytes(descriptor).first(4)));
  const std::uint64_t length = big_endian(Bytes(descriptor).subspan(4, 4));
  if (control & dma_select) select(static_cast<std::uint16_t>(control >> 16));
  bool done = true;
  if (control & dma_read) {
    done = read_into(big_endian(Bytes(descriptor).subspan(8)), length);
  } else if (control & dma_write) {
    done = false;
  } else if (control & dma_skip) {
    const auto entry = entries_.find(key_);
    const std::uint64_t size = entry == entries_.end() ? 0 : entry->second.size();
    offset_ = std::min(offset_ + length, std::max(offset_, size));
  }
  const std::array<std::uint8_t, 4> result{0, 0, 0, static_cast<std::uint8_t>(done ? 0 : dma_error)};
  memory_.write(at, result);
}

std::uint64_t FwCfg::Ports::read(std::uint64_t offset, unsigned width) {
  return offset == 1 && width == 1 ? owner_.next_byte() : ones(width);
}

void FwCfg::Ports::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (offset == 0 && width == 2) owner_.select(static_cast<std::uint16_t>(value));
}

std::uint64_t FwCfg::DmaWindow::read(std::uint64_t offset, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i)
    value |= std::uint64_t{dma_signature[(offset + i) % dma_signature.size()]} << (8 * i);
  return value;
}

void FwCfg::DmaWindow::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (width == 8 && offset == 0) {
    owner_.dma_address_ = __builtin_bswap64(value);
    owner_.transfer();
  } else if (width == 4 && offset == 0) {
    owner_.dma_address_ = std::uint64_t{__builtin_bswap32(static_cast<std::uint32_t>(value))} << 32;
  } else if (width == 4 && offset == 4) {
    owner_.dma_address_ |= __builtin_bswap32(static_cast<std::uint32_t>(value));
    owner_.transfer();
  }
}

}  // namespace lockstitch
