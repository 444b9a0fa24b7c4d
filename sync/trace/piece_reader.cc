// See piece_reader.h.
#include "sync/trace/piece_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sync/trace/image_hash.h"

namespace lockstitch::sync {

Result<PieceReader> PieceReader::open(const std::string& path) {
  // O_NONBLOCK: a named pipe is refused below instead of waited for.
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    return Error{ExitCode::missing_input, fmt::format("The file '{}' cannot be opened ({}); check {}.", path,
                                                      std::strerror(errno), missing ? "the path" : "its permissions")};
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !(S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) {
    return Error{ExitCode::bad_input, fmt::format("'{}' is {}; name a file or a block device.", path,
                                                  S_ISDIR(info.st_mode) ? "a folder" : "neither a file nor a disk")};
  }
  PieceReader reader(path, std::move(file));
  const off_t end = ::lseek(reader.file_.get(), 0, SEEK_END);
  if (end < 0) {
    return Error{ExitCode::world, fmt::format("The file '{}' cannot be read ({}).", path, std::strerror(errno))};
  }
  reader.bytes_ = static_cast<std::uint64_t>(end);
  reader.can_have_holes_ = S_ISREG(info.st_mode);
  reader.buffer_.resize(image_piece_bytes);
  ::posix_fadvise(reader.file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return reader;
}

Result<Piece> PieceReader::next() {
  if (position_ == bytes_) {
    if (::lseek(file_.get(), 0, SEEK_END) != static_cast<off_t>(bytes_)) return changing();
    return Piece{};
  }
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(image_piece_bytes, bytes_ - position_));
  if (wanted == image_piece_bytes && in_hole(position_ + wanted)) {
    static const std::vector<std::uint8_t> zeros(image_piece_bytes);
    position_ += wanted;
    return Piece{zeros, true};
  }
  for (std::size_t done = 0; done < wanted;) {
    const ssize_t got =
        ::pread(file_.get(), buffer_.data() + done, wanted - done, static_cast<off_t>(position_ + done));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return changing();
    if (got < 0) {
      return Error{ExitCode::world, fmt::format("The file '{}' cannot be read at byte {} ({}).", path_,
                                                position_ + done, std::strerror(errno))};
    }
    done += static_cast<std::size_t>(got);
  }
  position_ += wanted;
  return Piece{Bytes(buffer_).first(wanted), false};
}

/// From the position up to `end`.
bool PieceReader::in_hole(std::uint64_t end) {
  if (!can_have_holes_) return false;
  if (position_ >= data_end_) {
    const off_t begin = ::lseek(file_.get(), static_cast<off_t>(position_), SEEK_DATA);
    if (begin < 0 && errno != ENXIO) {
      can_have_holes_ = false;  // the file system does not know
      return false;
    }
    const off_t hole = begin < 0 ? -1 : ::lseek(file_.get(), begin, SEEK_HOLE);
    data_begin_ = begin < 0 ? bytes_ : static_cast<std::uint64_t>(begin);
    data_end_ = hole < 0 ? bytes_ : static_cast<std::uint64_t>(hole);
  }
  return end <= data_begin_;
}

Error PieceReader::changing() const {
  return {ExitCode::world,
          fmt::format("The file '{}' changes its size while it is read; end what writes to it first.", path_)};
}

}  // namespace lockstitch::sync
