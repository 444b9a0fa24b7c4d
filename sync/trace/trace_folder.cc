// See trace_folder.h.
#include "sync/trace/trace_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sync/trace/fresh_folder.h"
#include "sync/trace/image_search.h"
#include "sync/trace/layout.h"
#include "sync/trace/piece_reader.h"

namespace lockstitch::sync {

std::string TraceFolder::header() const { return fmt::format("{}/{}", path_, header_name); }
std::string TraceFolder::log() const { return fmt::format("{}/{}", path_, log_folder_name); }
std::string TraceFolder::checkpoints() const { return fmt::format("{}/{}", path_, checkpoints_folder_name); }
std::string TraceFolder::images() const { return fmt::format("{}/{}", path_, images_folder_name); }
std::string TraceFolder::control() const { return fmt::format("{}/{}", path_, control_name); }
std::string TraceFolder::image(const Digest& hash) const { return fmt::format("{}/{}", path_, image_name(hash)); }

Result<TraceFolder> TraceFolder::create(const std::string& path) {
  auto fresh = FreshFolder::make(path);
  if (!fresh.ok()) return fresh.error();
  fresh.value().keep();
  return TraceFolder(path);
}

Result<std::string> TraceFolder::find_image(const ImageReference& image, const std::vector<std::string>& search) const {
  auto found = search_image(*this, image, search);
  if (!found.ok()) return found.error();
  return std::move(found).value().path;
}

Result<ImageReference> TraceFolder::locate_image(const ImageReference& image,
                                                 const std::vector<std::string>& search) const {
  auto found = search_image(*this, image, search);
  if (!found.ok()) return found.error();
  ImageReference located = image;
  located.path = std::move(found.value().path);
  located.format = std::move(found.value().format);
  return located;
}

Result<std::unique_ptr<PieceSource>> TraceFolder::open_image(const std::string& path, const std::string& format) const {
  if (!format.empty() && open_format_) return open_format_(path, format);
  if (!format.empty()) {
    return Error{ExitCode::unavailable,
                 fmt::format("The image '{}' of format {} cannot be read here; use `lockstitch`, "
                             "or convert it to raw.",
                             path, format)};
  }
  auto reader = PieceReader::open(path);
  if (!reader.ok()) return reader.error();
  return std::unique_ptr<PieceSource>(std::make_unique<PieceReader>(std::move(reader).value()));
}

void TraceFolder::keep_link(const ImageReference& image) const {
  struct stat info {};
  if (!image.format.empty() || ::stat(image.path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
  if (static_cast<std::uint64_t>(info.st_size) != image.bytes) return;
  // Of the file, not of a symbolic link to it such as /boot/vmlinuz.
  [[maybe_unused]] const int done =
      ::linkat(AT_FDCWD, image.path.c_str(), AT_FDCWD, this->image(image.hash).c_str(), AT_SYMLINK_FOLLOW);
}

}  // namespace lockstitch::sync
