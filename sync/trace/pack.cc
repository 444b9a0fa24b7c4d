// See pack.h: how a pack is written.
#include "sync/trace/pack.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "lockstitch/assert.h"
#include "sync/log/file_bytes.h"
#include "sync/trace/archive_handle.h"
#include "sync/trace/image_search.h"
#include "sync/trace/layout.h"
#include "sync/trace/manifest.h"

namespace lockstitch::sync {
namespace {

/// Seconds since 1970, of every entry. Not 0, at which tar takes offence.
constexpr time_t entry_time = 1;
/// The map of a sparse entry is kept in memory; an image in more parts than these is written out in full.
constexpr std::size_t sparse_parts_max = 65'536;

/// A file that goes into the pack.
struct Part {
  std::string path;
  std::uint64_t bytes = 0;
  std::string format;             ///< of an image; packed is what is in it, raw
  std::optional<ImageScan> scan;  ///< of an image: what it must still be
};
using Parts = std::map<std::string, Part>;  ///< by the name in the pack

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

Outcome add_part(const TraceFolder& folder, const std::string& name, Parts& parts) {
  const std::string path = folder.path() + "/" + name;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error{
        ExitCode::missing_input,
        fmt::format("The file '{}' of the trace cannot be found ({}); name the folder of a whole trace that is "
                    "not being recorded.",
                    path, std::strerror(errno))};
  }
  parts[name] = {path, static_cast<std::uint64_t>(info.st_size), "", {}};
  return success();
}

/// All files of a subfolder that belong to a trace.
Outcome add_parts(const TraceFolder& folder, std::string_view subfolder, Parts& parts) {
  const std::string path = fmt::format("{}/{}", folder.path(), subfolder);
  const std::unique_ptr<DIR, CloseFolder> listing(::opendir(path.c_str()));
  if (!listing && errno == ENOENT) return success();
  while (listing) {
    errno = 0;
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr && errno == 0) return success();
    if (entry == nullptr) break;
    const std::string name = fmt::format("{}/{}", subfolder, entry->d_name);
    if (!is_trace_file(name)) continue;
    if (Outcome added = add_part(folder, name, parts); !added) return added;
  }
  return Error{ExitCode::missing_input,
               fmt::format("The folder '{}' cannot be read ({}); check its permissions.", path, std::strerror(errno))};
}

class Progress {
 public:
  Progress(const PackProgress& tell, std::uint64_t total) : tell_(tell), total_(total) {}

  void add(std::uint64_t bytes) {
    done_ = std::min(done_ + bytes, total_);
    if (tell_) tell_(done_, total_);
  }
  void finish() {
    if (tell_) tell_(total_, total_);
  }

 private:
  const PackProgress& tell_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
};

/// The pack under its temporary name, which goes away with this unless it was given its true one.
class PackFile {
 public:
  static Result<std::unique_ptr<PackFile>> create(const std::string& path) {
    if (::access(path.c_str(), F_OK) == 0) return exists(path);
    std::unique_ptr<PackFile> file(new PackFile(path));
    file->fd_ = FileHandle(::open(file->temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file->fd_) {
      const std::string reason = std::strerror(errno);
      file->temporary_.clear();
      return Error{ExitCode::world, fmt::format("The file '{}' cannot be made ({}); name one in a folder that is there "
                                                "and that you may write to.",
                                                path, reason)};
    }
    archive* a = file->archive_.get();
    LS_ASSERT(a != nullptr);
    if (::archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
        ::archive_write_add_filter_zstd(a) != ARCHIVE_OK || ::archive_write_open_fd(a, file->fd_.get()) != ARCHIVE_OK) {
      return file->failed();
    }
    return file;
  }
  ~PackFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  /// `data`: where it is not zero; nothing: everywhere. As many bytes must follow in write().
  Outcome begin(const std::string& name, std::uint64_t bytes, const std::vector<ByteRange>* data) {
    const ArchiveEntry entry(::archive_entry_new());
    LS_ASSERT(entry != nullptr);
    ::archive_entry_set_pathname(entry.get(), name.c_str());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644);
    ::archive_entry_set_mtime(entry.get(), entry_time, 0);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes));
    if (data != nullptr && data->size() <= sparse_parts_max) {
      for (const ByteRange& range : *data) {
        ::archive_entry_sparse_add_entry(entry.get(), static_cast<la_int64_t>(range.offset),
                                         static_cast<la_int64_t>(range.bytes));
      }
      // Nothing would mean no map.
      if (data->empty()) ::archive_entry_sparse_add_entry(entry.get(), 0, 0);
    }
    if (::archive_write_header(archive_.get(), entry.get()) != ARCHIVE_OK) return failed();
    return success();
  }

  Outcome write(Bytes bytes) {
    const la_ssize_t put = ::archive_write_data(archive_.get(), bytes.data(), bytes.size());
    if (put < 0) return failed();
    LS_ASSERT_CMP(static_cast<std::size_t>(put), ==, bytes.size());
    return success();
  }

  Outcome finish() {
    if (::archive_write_close(archive_.get()) != ARCHIVE_OK) return failed();
    if (::fsync(fd_.get()) != 0) return failed(errno);
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno == EEXIST) return exists(path_);
      // Not every file system knows the careful kind.
      if ((errno != EINVAL && errno != ENOSYS) || ::rename(temporary_.c_str(), path_.c_str()) != 0)
        return failed(errno);
    }
    temporary_.clear();
    return success();
  }

 private:
  explicit PackFile(const std::string& path)
      : path_(path), temporary_(fmt::format("{}.part-{}", path, ::getpid())), archive_(::archive_write_new()) {}

  static Error exists(const std::string& path) {
    return {ExitCode::bad_input,
            fmt::format("The file '{}' exists already, and nothing is overwritten; name a new one.", path)};
  }

  Error failed(int number) const {
    return {ExitCode::world,
            fmt::format("The packed trace '{}' cannot be written ({}); make room or name another place.", path_,
                        std::strerror(number))};
  }
  Error failed() const {
    if (const int number = ::archive_errno(archive_.get()); number > 0) return failed(number);
    const char* reason = ::archive_error_string(archive_.get());
    return {ExitCode::internal, fmt::format("The packed trace '{}' cannot be written: libarchive says '{}'.", path_,
                                            reason == nullptr ? "" : reason)};
  }

  std::string path_;
  std::string temporary_;
  FileHandle fd_;
  ArchiveWriter archive_;
};

/// Copies one file. Returns what it held.
Result<ImageIdentity> copy_part(const TraceFolder& folder, const std::string& name, const Part& part, PackFile& pack,
                                Progress& progress) {
  auto reader = folder.open_image(part.path, part.format);
  if (!reader.ok()) return reader.error();
  const Outcome begun = pack.begin(name, reader.value()->bytes(), part.scan ? &part.scan->data : nullptr);
  if (!begun) return begun.error();
  ImageHash hash;
  for (;;) {
    const auto piece = reader.value()->next();
    if (!piece.ok()) return piece.error();
    const Bytes contents = piece.value().contents;
    if (contents.empty()) break;
    if (piece.value().hole) {
      hash.add_zeros();
    } else {
      hash.add(contents);
    }
    // Zeros too: libarchive counts them and leaves them out as the map says.
    if (const Outcome written = pack.write(contents); !written) return written.error();
    progress.add(contents.size());
  }
  if (part.scan && hash.identity() != part.scan->identity) {
    return Error{ExitCode::world,
                 fmt::format("The file '{}' changes while it is packed; end what writes to it first.", part.path)};
  }
  return hash.identity();
}

}  // namespace

Outcome pack_trace(const TraceFolder& folder, const std::vector<ImageReference>& images,
                   const std::vector<std::string>& search, const std::string& file, const PackProgress& progress) {
  Parts parts;
  if (Outcome added = add_part(folder, std::string(header_name), parts); !added) return added;
  for (const std::string_view subfolder : {log_folder_name, checkpoints_folder_name}) {
    if (Outcome added = add_parts(folder, subfolder, parts); !added) return added;
  }
  std::uint64_t total = 0;
  for (const auto& [name, part] : parts) total += part.bytes;
  for (const ImageReference& image : images) total += 2 * image.bytes;  // compared, then copied

  auto pack = PackFile::create(file);
  if (!pack.ok()) return pack.error();
  Progress told(progress, total);
  for (const ImageReference& image : images) {
    if (!parts.contains(image_name(image.hash))) {
      auto found = search_image(folder, image, search);
      if (!found.ok()) return found.error();
      parts[image_name(image.hash)] = {found.value().path, image.bytes, found.value().format,
                                       std::move(found.value().scan)};
    }
    told.add(image.bytes);
  }

  std::string manifest;
  for (const auto& [name, part] : parts) {
    const auto copied = copy_part(folder, name, part, *pack.value(), told);
    if (!copied.ok()) return copied.error();
    manifest += manifest_line(name, copied.value());
  }
  if (Outcome begun = pack.value()->begin(std::string(manifest_name), manifest.size(), nullptr); !begun) return begun;
  const Bytes text(reinterpret_cast<const std::uint8_t*>(manifest.data()), manifest.size());
  if (Outcome written = pack.value()->write(text); !written) return written;
  if (Outcome finished = pack.value()->finish(); !finished) return finished;
  told.finish();
  return success();
}

bool is_packed(const std::string& path) {
  constexpr std::array<std::uint8_t, 4> zstd_magic{0x28, 0xb5, 0x2f, 0xfd};  // RFC 8878 3.1.1
  constexpr std::size_t ustar_at = 257;                                      // POSIX.1 pax, ustar header: magic
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, ustar_at + 5> beginning{};
  const ssize_t got = file ? ::pread(file.get(), beginning.data(), beginning.size(), 0) : -1;
  if (got < static_cast<ssize_t>(zstd_magic.size())) return false;
  return std::memcmp(beginning.data(), zstd_magic.data(), zstd_magic.size()) == 0 ||
         std::memcmp(&beginning[ustar_at], "ustar", 5) == 0;
}

}  // namespace lockstitch::sync
