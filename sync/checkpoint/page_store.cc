// See page_store.h.
#include "sync/checkpoint/page_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "lockstitch/assert.h"

namespace lockstitch::sync {
namespace {

constexpr std::uint32_t magic = 0x4250'534c;  // "LSPB"
constexpr std::size_t header_bytes = 40;
constexpr int compression_level = 1;

void put(std::uint8_t* at, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t get(const std::uint8_t* at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{at[i]} << (8 * i);
  return value;
}

std::uint64_t header_check(const std::uint8_t* header, Digest trace) {
  std::array<std::uint8_t, 40> text;
  std::copy_n(header, 24, text.begin());
  put(&text[24], trace.high, 8);
  put(&text[32], trace.low, 8);
  return XXH3_64bits(text.data(), text.size());
}

/// Reads at a place; less at the end of the file. Negative: errno says why.
ssize_t read_at(int fd, std::uint8_t* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return got;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

Error damaged(const std::string& path, std::uint64_t offset) {
  return {
      ExitCode::bad_input,
      fmt::format("The page store '{}' is damaged at byte {}; checkpoints that need that part are lost, replay from "
                  "the beginning or copy the trace again.",
                  path, offset)};
}

Digest hash_of(Bytes page) {
  const XXH128_hash_t hash = XXH3_128bits(page.data(), page.size());
  return {hash.high64, hash.low64};
}

}  // namespace

Result<PageStoreReader> PageStoreReader::open(const std::string& path, Digest trace) {
  PageStoreReader reader;
  reader.path_ = path;
  reader.file_ = FileHandle(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reader.file_) {
    return Error{ExitCode::missing_input, fmt::format("The page store '{}' of the checkpoints cannot be opened ({}).",
                                                      path, std::strerror(errno))};
  }
  const off_t size = ::lseek(reader.file_.get(), 0, SEEK_END);
  std::array<std::uint8_t, header_bytes> header;
  PageId next = 1;
  bool torn = true;
  for (;;) {
    const ssize_t got = read_at(reader.file_.get(), header.data(), header.size(), reader.end_offset_);
    if (got < 0) {
      return Error{ExitCode::world,
                   fmt::format("The page store '{}' cannot be read ({}).", path, std::strerror(errno))};
    }
    if (static_cast<std::size_t>(got) < header.size()) break;
    StoreBlock block;
    block.pages = static_cast<std::uint32_t>(get(&header[4], 4));
    block.first = get(&header[8], 8);
    block.body_bytes = get(&header[16], 8);
    block.body_check = get(&header[32], 8);
    block.body_offset = reader.end_offset_ + header_bytes;
    const bool whole = get(&header[0], 4) == magic && get(&header[24], 8) == header_check(header.data(), trace) &&
                       block.first == next && block.pages >= 1 && block.pages <= PageStoreWriter::block_pages &&
                       block.body_bytes <= ZSTD_compressBound(PageStoreWriter::block_pages * page_bytes) &&
                       block.body_offset + block.body_bytes <= static_cast<std::uint64_t>(size);
    if (!whole) {
      // A first block that ends too early was never finished; one whose header is wrong is damage, or another trace's.
      torn = get(&header[24], 8) == header_check(header.data(), trace);
      break;
    }
    next += block.pages;
    reader.end_offset_ = block.body_offset + block.body_bytes;
    reader.blocks_.push_back(block);
  }
  if (reader.blocks_.empty() && !torn) return damaged(path, 0);
  return reader;
}

Outcome PageStoreReader::read(const StoreBlock& block, std::vector<std::uint8_t>& pages) const {
  std::vector<std::uint8_t> body(block.body_bytes);
  const ssize_t got = read_at(file_.get(), body.data(), body.size(), block.body_offset);
  if (got < 0) {
    return Error{ExitCode::world, fmt::format("The page store '{}' cannot be read ({}).", path_, std::strerror(errno))};
  }
  if (static_cast<std::size_t>(got) != body.size() || XXH3_64bits(body.data(), body.size()) != block.body_check) {
    return damaged(path_, block.body_offset);
  }
  pages.resize(std::size_t{block.pages} * page_bytes);
  const std::size_t length = ZSTD_decompress(pages.data(), pages.size(), body.data(), body.size());
  if (ZSTD_isError(length) || length != pages.size()) return damaged(path_, block.body_offset);
  return success();
}

Result<PageStoreWriter> PageStoreWriter::open(const std::string& path, Digest trace) {
  PageStoreWriter writer;
  writer.path_ = path;
  writer.trace_ = trace;
  writer.file_ = FileHandle(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!writer.file_) {
    return Error{ExitCode::unavailable, fmt::format("The page store '{}' of the checkpoints cannot be written ({}).",
                                                    path, std::strerror(errno))};
  }
  auto there = PageStoreReader::open(path, trace);
  if (!there.ok()) return there.error();
  std::vector<std::uint8_t> pages;
  for (const StoreBlock& block : there.value().blocks()) {
    if (const Outcome read = there.value().read(block, pages); !read) return read.error();
    for (std::uint32_t i = 0; i < block.pages; ++i) {
      writer.known_.emplace(hash_of(Bytes(pages).subspan(i * page_bytes, page_bytes)), block.first + i);
    }
  }
  writer.offset_ = there.value().end_offset();
  writer.next_ = there.value().last() + 1;
  if (::ftruncate(writer.file_.get(), static_cast<off_t>(writer.offset_)) != 0) {
    return Error{ExitCode::unavailable,
                 fmt::format("The page store '{}' cannot be written ({}).", path, std::strerror(errno))};
  }
  return writer;
}

Result<PageId> PageStoreWriter::add(Bytes page) {
  LS_ASSERT_CMP(page.size(), ==, page_bytes);
  const Digest hash = hash_of(page);
  if (const auto found = known_.find(hash); found != known_.end()) return PageId{found->second};
  const PageId id = next_++;
  pending_.insert(pending_.end(), page.begin(), page.end());
  pending_hashes_.push_back(hash);
  if (known_.size() < remembered_max) known_.emplace(hash, id);
  if (pending_hashes_.size() == block_pages) {
    if (const Outcome written = write_block(); !written) return written.error();
  }
  return PageId{id};
}

Outcome PageStoreWriter::write_block() {
  if (pending_hashes_.empty()) return success();
  std::vector<std::uint8_t> block(header_bytes + ZSTD_compressBound(pending_.size()));
  const std::size_t length = ZSTD_compress(block.data() + header_bytes, block.size() - header_bytes, pending_.data(),
                                           pending_.size(), compression_level);
  LS_ASSERT(!ZSTD_isError(length));
  block.resize(header_bytes + length);
  put(&block[0], magic, 4);
  put(&block[4], pending_hashes_.size(), 4);
  put(&block[8], next_ - pending_hashes_.size(), 8);
  put(&block[16], length, 8);
  put(&block[24], header_check(block.data(), trace_), 8);
  put(&block[32], XXH3_64bits(block.data() + header_bytes, length), 8);
  for (std::size_t done = 0; done < block.size();) {
    const ssize_t put_now =
        ::pwrite(file_.get(), block.data() + done, block.size() - done, static_cast<off_t>(offset_ + done));
    if (put_now < 0 && errno == EINTR) continue;
    if (put_now <= 0) return roll_back(errno);
    done += static_cast<std::size_t>(put_now);
  }
  offset_ += block.size();
  pending_.clear();
  pending_hashes_.clear();
  return success();
}

Outcome PageStoreWriter::roll_back(int error_number) {
  [[maybe_unused]] const int cut = ::ftruncate(file_.get(), static_cast<off_t>(offset_));
  for (const Digest& hash : pending_hashes_) known_.erase(hash);
  next_ -= pending_hashes_.size();
  pending_.clear();
  pending_hashes_.clear();
  return Error{ExitCode::world,
               fmt::format("The checkpoint's pages cannot be written to '{}' ({}); earlier checkpoints "
                           "are good, make room for more.",
                           path_, std::strerror(error_number))};
}

Outcome PageStoreWriter::sync() {
  if (const Outcome written = write_block(); !written) return written;
  if (::fdatasync(file_.get()) == 0) return success();
  return Error{ExitCode::world,
               fmt::format("The page store '{}' cannot be made durable ({}).", path_, std::strerror(errno))};
}

}  // namespace lockstitch::sync
