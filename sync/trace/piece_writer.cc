// See piece_writer.h.
#include "sync/trace/piece_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lockstitch/assert.h"

namespace lockstitch::sync {
namespace {

/// Unit: bytes. What a hole consists of.
constexpr std::size_t block_bytes = 4096;

bool is_zero(Bytes bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

bool write_at(int fd, std::uint64_t offset, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return true;
}

}  // namespace

bool PieceWriter::put(std::uint64_t offset, Bytes bytes) {
  LS_ASSERT_CMP(offset, >=, position());
  if (!zeros_until(offset)) return false;
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, bytes.data(), part);
    used_ += part;
    bytes = bytes.subspan(part);
    if (used_ == buffer_.size() && !flush()) return false;
  }
  return true;
}

bool PieceWriter::finish(std::uint64_t bytes) {
  LS_ASSERT_CMP(bytes, >=, position());
  return zeros_until(bytes) && (used_ == 0 || flush()) && ::ftruncate(fd_, static_cast<off_t>(bytes)) == 0;
}

bool PieceWriter::zeros_until(std::uint64_t offset) {
  while (position() < offset) {
    if (used_ == 0 && offset - position_ >= buffer_.size()) {
      hash_.add_zeros();
      position_ += buffer_.size();
      continue;
    }
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(offset - position(), buffer_.size() - used_));
    std::memset(buffer_.data() + used_, 0, part);
    used_ += part;
    if (used_ == buffer_.size() && !flush()) return false;
  }
  return true;
}

bool PieceWriter::flush() {
  const Bytes piece = Bytes(buffer_).first(used_);
  const auto block = [&](std::size_t at) { return piece.subspan(at, std::min(block_bytes, piece.size() - at)); };
  if (!hash_.add(piece)) {
    for (std::size_t begin = 0; begin < piece.size();) {
      std::size_t end = begin;
      while (end < piece.size() && !is_zero(block(end))) end += block(end).size();
      if (!write_at(fd_, position_ + begin, piece.subspan(begin, end - begin))) return false;
      begin = end == piece.size() ? end : end + block(end).size();
    }
  }
  position_ += used_;
  used_ = 0;
  return true;
}

}  // namespace lockstitch::sync
