// See overlay.h.
#include "vmm/world/overlay.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "vmm/world/insist.h"
#include "vmm/world/positioned_io.h"

namespace lockstitch::world {

Overlay::Overlay(std::string path, std::uint64_t disk_bytes, ReadBelow below, WorldTrouble& trouble)
    : path_(std::move(path)), disk_bytes_(disk_bytes), below_(std::move(below)), trouble_(&trouble) {
  const std::uint64_t clusters = (disk_bytes + cluster_bytes - 1) / cluster_bytes;
  written_.assign((clusters + 63) / 64, 0);
}

Result<Overlay> Overlay::make(std::string path, std::uint64_t disk_bytes, std::string folder, ReadBelow below,
                              WorldTrouble& trouble) {
  Overlay overlay(std::move(path), disk_bytes, std::move(below), trouble);
  if (folder.empty()) {
    const char* chosen = std::getenv("TMPDIR");
    folder = chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp";
  }
  overlay.file_ = Descriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!overlay.file_ && (errno == EOPNOTSUPP || errno == EISDIR)) {  // a file system without O_TMPFILE
    std::string name = folder + "/lockstitch-overlay-XXXXXX";
    overlay.file_ = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
    if (overlay.file_) ::unlink(name.c_str());
  }
  if (!overlay.file_) {
    return Error{ExitCode::unavailable,
                 fmt::format("The overlay of disk image '{}' cannot be made in '{}' ({}); set TMPDIR "
                             "to a folder with room.",
                             overlay.path_, folder, std::strerror(errno))};
  }
  return overlay;
}

void Overlay::prepare(std::uint64_t offset, std::uint64_t bytes) {
  ::posix_fadvise(file_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
}

void Overlay::read(std::uint64_t offset, MutableBytes out) {
  while (!out.empty()) {
    const bool here = has(offset / cluster_bytes);
    std::uint64_t run = std::min<std::uint64_t>(cluster_bytes - offset % cluster_bytes, out.size());
    while (run < out.size() && has((offset + run) / cluster_bytes) == here) {
      run = std::min<std::uint64_t>(run + cluster_bytes, out.size());
    }
    if (here) {
      read_file(offset, out.first(run));
    } else {
      below_(offset, out.first(run));
    }
    out = out.subspan(run);
    offset += run;
  }
}

void Overlay::write(std::uint64_t offset, Bytes in) {
  while (!in.empty()) {
    const std::uint64_t whole_clusters = in.size() / cluster_bytes;
    std::uint64_t run = 0;
    if (offset % cluster_bytes == 0 && whole_clusters > 0) {
      run = whole_clusters * cluster_bytes;
      write_file(offset, in.first(run));
      for (std::uint64_t i = 0; i < whole_clusters; ++i) set(offset / cluster_bytes + i);
    } else {
      run = std::min<std::uint64_t>(cluster_bytes - offset % cluster_bytes, in.size());
      write_part_of_cluster(offset, in.first(run));
    }
    in = in.subspan(run);
    offset += run;
  }
}

void Overlay::write_part_of_cluster(std::uint64_t offset, Bytes in) {
  const std::uint64_t cluster = offset / cluster_bytes;
  if (has(cluster)) return write_file(offset, in);
  const std::uint64_t start = cluster * cluster_bytes;
  std::array<std::uint8_t, cluster_bytes> merged;
  const MutableBytes used = MutableBytes(merged).first(std::min(cluster_bytes, disk_bytes_ - start));
  below_(start, used);
  std::copy(in.begin(), in.end(), used.begin() + static_cast<std::ptrdiff_t>(offset - start));
  write_file(start, used);
  set(cluster);
}

void Overlay::read_file(std::uint64_t offset, MutableBytes out) {
  insist(*trouble_, [&] { return read_at(file_, offset, out, "The overlay of disk image", path_); });
}

void Overlay::write_file(std::uint64_t offset, Bytes in) {
  insist(*trouble_, [&] { return write_at(file_, offset, in, "The overlay of disk image", path_); });
}

}  // namespace lockstitch::world
