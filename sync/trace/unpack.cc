// See pack.h: how a pack is read. The header comes last into the folder, so that a folder that was left half full by a
// crash is no trace.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "lockstitch/assert.h"
#include "sync/log/file_bytes.h"
#include "sync/trace/archive_handle.h"
#include "sync/trace/fresh_folder.h"
#include "sync/trace/layout.h"
#include "sync/trace/manifest.h"
#include "sync/trace/pack.h"
#include "sync/trace/piece_writer.h"

namespace lockstitch::sync {
namespace {

/// Unit: bytes. All files of a pack together. More is no trace but an attempt to keep us busy with zeros.
constexpr std::uint64_t contents_max_bytes = 64ull << 40;
/// Unit: files. A year of segments and checkpoints, one a minute each.
constexpr std::size_t files_max = 1'000'000;
/// Unit: bytes. What is read from the pack at once.
constexpr std::size_t block_bytes = 128 << 10;

class Unpacker {
 public:
  Unpacker(std::string file, std::string folder, const PackProgress& progress)
      : file_(std::move(file)), folder_(std::move(folder)), progress_(progress) {}

  Outcome run();

 private:
  Outcome open();
  Outcome take_entry(archive_entry* entry, FreshFolder& fresh);
  Outcome take_file(const std::string& name, std::uint64_t bytes, FreshFolder& fresh);
  Outcome take_manifest(std::uint64_t bytes);

  void tell();
  Error damaged() const;
  Error refused(std::string_view why) const;
  Error unwritable(const std::string& path) const;
  std::string header_in_the_making() const { return fmt::format("{}/{}.part", folder_, header_name); }

  std::string file_;
  std::string folder_;
  const PackProgress& progress_;
  FileHandle fd_;
  std::uint64_t file_bytes_ = 0;
  ArchiveReader archive_;
  std::set<std::string> names_;
  std::uint64_t contents_bytes_ = 0;
  std::string manifest_;  ///< of what was taken
  bool complete_ = false;
};

Outcome Unpacker::run() {
  if (Outcome opened = open(); !opened) return opened;
  auto fresh = FreshFolder::make(folder_);
  if (!fresh.ok()) return fresh.error();
  for (;;) {
    archive_entry* entry = nullptr;
    const int got = ::archive_read_next_header(archive_.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    if (got != ARCHIVE_OK) return damaged();
    if (Outcome taken = take_entry(entry, fresh.value()); !taken) return taken;
  }
  if (!complete_) return refused("is cut off; copy it again");
  if (!names_.contains(std::string(header_name))) return refused("has no header of a trace in it; name another file");
  const std::string header = fmt::format("{}/{}", folder_, header_name);
  if (std::rename(header_in_the_making().c_str(), header.c_str()) != 0) return unwritable(header);
  fresh.value().keep();
  if (progress_) progress_(file_bytes_, file_bytes_);
  return success();
}

Outcome Unpacker::open() {
  fd_ = FileHandle(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd_) {
    const char* cure = errno == ENOENT || errno == ENOTDIR ? "check the path" : "check its permissions";
    return Error{ExitCode::missing_input,
                 fmt::format("The packed trace '{}' cannot be opened ({}); {}.", file_, std::strerror(errno), cure)};
  }
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0 || !S_ISREG(info.st_mode) || !is_packed(file_)) {
    return refused("is none; name a file made by `lockstitch trace pack`");
  }
  file_bytes_ = static_cast<std::uint64_t>(info.st_size);
  archive_.reset(::archive_read_new());
  LS_ASSERT(archive_ != nullptr);
  if (::archive_read_support_format_tar(archive_.get()) != ARCHIVE_OK ||
      ::archive_read_support_filter_zstd(archive_.get()) != ARCHIVE_OK ||
      ::archive_read_open_fd(archive_.get(), fd_.get(), block_bytes) != ARCHIVE_OK) {
    return damaged();
  }
  return success();
}

Outcome Unpacker::take_entry(archive_entry* entry, FreshFolder& fresh) {
  const char* path = ::archive_entry_pathname(entry);
  const std::string name = path == nullptr ? "" : path;
  // Names come from outside: no control characters on the user's terminal.
  std::string shown = name.substr(0, 80);
  for (char& c : shown) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (complete_) return refused(fmt::format("has '{}' behind its end; it is no trace of Lockstitch", shown));
  if (::archive_entry_hardlink(entry) != nullptr || ::archive_entry_symlink(entry) != nullptr ||
      ::archive_entry_filetype(entry) != AE_IFREG) {
    return refused(fmt::format("has '{}' in it, which is no plain file; it is no trace of Lockstitch", shown));
  }
  const bool is_manifest = name == manifest_name;
  if (!is_manifest && !is_trace_file(name)) {
    return refused(
        fmt::format("has '{}' in it, which is no part of a trace; it was not made by this version of "
                    "Lockstitch",
                    shown));
  }
  const la_int64_t bytes = ::archive_entry_size_is_set(entry) ? ::archive_entry_size(entry) : -1;
  if (bytes < 0 || static_cast<std::uint64_t>(bytes) > contents_max_bytes - contents_bytes_ ||
      names_.size() >= files_max) {
    return refused(fmt::format("has more in it than a trace can have, at '{}'; it is damaged or no trace", shown));
  }
  if (is_manifest) return take_manifest(static_cast<std::uint64_t>(bytes));
  if (!names_.insert(name).second)
    return refused(fmt::format("has '{}' in it twice; it is no trace of Lockstitch", shown));
  contents_bytes_ += static_cast<std::uint64_t>(bytes);
  return take_file(name, static_cast<std::uint64_t>(bytes), fresh);
}

Outcome Unpacker::take_file(const std::string& name, std::uint64_t bytes, FreshFolder& fresh) {
  const std::string path = name == header_name ? header_in_the_making() : fmt::format("{}/{}", folder_, name);
  fresh.note_file(path);
  const FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file) return unwritable(path);
  PieceWriter writer(file.get());
  for (;;) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int got = ::archive_read_data_block(archive_.get(), &block, &size, &offset);
    if (got == ARCHIVE_EOF) break;
    if (got != ARCHIVE_OK) return damaged();
    if (size == 0) continue;
    const auto at = static_cast<std::uint64_t>(offset);
    if (offset < 0 || at < writer.position() || at > bytes || size > bytes - at) {
      return refused(fmt::format("gives '{}' other contents than it announced; it is damaged, copy it again", name));
    }
    if (!writer.put(at, {static_cast<const std::uint8_t*>(block), size})) return unwritable(path);
    tell();
  }
  if (!writer.finish(bytes)) return unwritable(path);
  const ImageIdentity identity = writer.identity();
  if (name.starts_with(images_folder_name) && name != image_name(identity.hash)) {
    return refused(
        fmt::format("has an image in it, '{}', that is not what its name says; it is damaged, copy it again", name));
  }
  manifest_ += manifest_line(name, identity);
  return success();
}

Outcome Unpacker::take_manifest(std::uint64_t bytes) {
  std::string text(manifest_.size(), '\0');
  if (bytes == text.size()) {
    const la_ssize_t got = ::archive_read_data(archive_.get(), text.data(), text.size());
    if (got < 0) return damaged();
    text.resize(static_cast<std::size_t>(got));
  }
  if (bytes != manifest_.size() || text != manifest_) {
    return refused("is damaged: its files are not those of its manifest; copy it again");
  }
  complete_ = true;
  return success();
}

void Unpacker::tell() {
  // The end is told when all is well.
  const auto done = static_cast<std::uint64_t>(::archive_filter_bytes(archive_.get(), -1));
  if (progress_ && done < file_bytes_) progress_(done, file_bytes_);
}

Error Unpacker::damaged() const {
  const char* reason = ::archive_error_string(archive_.get());
  return refused(fmt::format("is damaged or cut off ({}); copy it again", reason == nullptr ? "unreadable" : reason));
}

Error Unpacker::refused(std::string_view why) const {
  return {ExitCode::bad_input, fmt::format("The packed trace '{}' {}.", file_, why)};
}

Error Unpacker::unwritable(const std::string& path) const {
  return {ExitCode::world,
          fmt::format("'{}' cannot be written ({}); make room or name another folder.", path, std::strerror(errno))};
}

}  // namespace

Outcome unpack_trace(const std::string& file, const std::string& folder, const PackProgress& progress) {
  return Unpacker(file, folder, progress).run();
}

}  // namespace lockstitch::sync
