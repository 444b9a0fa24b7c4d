// See commit_command.h. The guest's writes are had by a replay; each image is replaced by renaming a changed copy over
// it, and the trace keeps the old one, so that it can still be replayed.
#include "vmm/app/commit_command.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sync/log/file_bytes.h"
#include "vmm/app/flag_parser.h"
#include "vmm/app/message.h"
#include "vmm/app/prepared_replay.h"

namespace lockstitch::app {

namespace {

Error cannot_write(const std::string& path, const std::string& why) {
  return {ExitCode::world, fmt::format("the disk image '{}' cannot be replaced ({}); it is as it was", path, why)};
}

/// Pieces of the copy; zeros stay holes where the file system has them.
Outcome write_clusters(int fd, sync::WrittenDisk& disk, const std::vector<std::uint64_t>& clusters) {
  std::vector<std::uint8_t> contents(sync::WrittenDisk::cluster_bytes);
  const std::uint64_t size = disk.sectors() * sector_bytes;
  for (const std::uint64_t cluster : clusters) {
    disk.read_cluster(cluster, contents);
    const std::uint64_t offset = cluster * contents.size();
    const std::size_t bytes = std::min<std::uint64_t>(contents.size(), size - offset);
    for (std::size_t done = 0; done < bytes;) {
      const ssize_t put = ::pwrite(fd, contents.data() + done, bytes - done, static_cast<off_t>(offset + done));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return Error{ExitCode::world, std::strerror(errno)};
      done += static_cast<std::size_t>(put);
    }
  }
  if (::fsync(fd) != 0) return Error{ExitCode::world, std::strerror(errno)};
  return success();
}

Outcome replace_image(const std::string& path, sync::WrittenDisk& disk, const std::vector<std::uint64_t>& clusters) {
  const std::string copy = path + ".lockstitch-commit";
  std::error_code failed;
  std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing, failed);
  Outcome written = failed ? Outcome(Error{ExitCode::world, failed.message()}) : success();
  if (written.ok()) {
    const sync::FileHandle file(::open(copy.c_str(), O_WRONLY | O_CLOEXEC));
    written = file ? write_clusters(file.get(), disk, clusters) : Outcome(Error{ExitCode::world, std::strerror(errno)});
  }
  if (written.ok()) std::filesystem::rename(copy, path, failed);
  if (written.ok() && !failed) return success();
  const std::string why = written.ok() ? failed.message() : written.error().text;
  std::filesystem::remove(copy, failed);
  return cannot_write(path, why);
}

/// Fails: the image lies somewhere else than it did, is no plain file, or the trace cannot keep the old one.
Outcome check_image(const OpenTrace& trace, const sync::ImageReference& image) {
  if (!image.format.empty()) {
    return Error{
        ExitCode::unavailable,
        fmt::format("the disk image '{}' has the format {}, and only raw images are committed to; record with a "
                    "raw copy, made by `qemu-img convert -O raw`",
                    image.path, image.format)};
  }
  std::error_code failed;
  if (!std::filesystem::is_regular_file(image.path, failed)) {
    return Error{ExitCode::missing_input, fmt::format("the disk image '{}' is no file any more, so nothing can be "
                                                      "written to it",
                                                      image.path)};
  }
  const auto found = sync::TraceFolder("/nonexistent").find_image(image, {});
  if (!found.ok()) return found.error();
  trace.folder().keep_link(image);
  if (std::filesystem::exists(trace.folder().image(image.hash), failed)) return success();
  return Error{
      ExitCode::unavailable,
      fmt::format("the trace cannot keep the old contents of '{}', for it lies on another file system; pack the "
                  "trace with `lockstitch trace pack` and commit an unpacked copy beside the image",
                  image.path)};
}

Result<int> commit_disks(const OpenTrace& trace, Session& session) {
  struct Change {
    const sync::ImageReference* image;
    sync::WrittenDisk* disk;
    std::vector<std::uint64_t> clusters;
  };
  std::vector<Change> changes;
  for (std::size_t i = 0; i < session.written_disks().size(); ++i) {
    Change change{nullptr, session.written_disks()[i].get(), {}};
    change.disk->take_written(change.clusters);
    for (const sync::ImageReference& image : trace.header().images) {
      if (image.role == fmt::format("disk{}", i)) change.image = &image;
    }
    if (change.clusters.empty() || change.image == nullptr) continue;
    if (const Outcome usable = check_image(trace, *change.image); !usable.ok()) return usable.error();
    changes.push_back(std::move(change));
  }
  for (const Change& change : changes) {
    const Outcome replaced = replace_image(change.image->path, *change.disk, change.clusters);
    if (!replaced.ok()) return replaced.error();
    say(fmt::format("'{}' now has what the guest wrote: {} clusters of 4 KiB; the trace keeps the old image",
                    change.image->path, change.clusters.size()));
  }
  if (changes.empty()) say("the guest wrote to no disk");
  return 0;
}

}  // namespace

Result<int> commit(const std::vector<std::string>& arguments) {
  std::string trace, to;
  CLI::App app("Write what a recorded guest wrote to its disks into the disk images.", "lockstitch commit");
  app.add_option("TRACE", trace, "the trace's folder");
  app.add_option("--to", to, "what it had written at this tick; default: at its end")->type_name("TICK");
  const auto parsed = parse_flags(app, arguments, "name one trace");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return 0;
  }
  if (trace.empty()) return Error{ExitCode::usage, "a trace is missing; name the folder that was recorded"};
  if (!std::filesystem::is_directory(trace)) {
    return Error{ExitCode::usage, fmt::format("'{}' is no folder; a packed trace is unpacked first", trace)};
  }
  ReplayOptions options;
  if (!to.empty()) {
    const auto tick = parse_whole_number(to);
    if (!tick.ok()) return Error{ExitCode::usage, "--to: " + tick.error().text};
    options.to = Tick{tick.value()};
  }
  auto prepared = prepare_replay(trace, options, {});
  if (!prepared.ok()) return prepared.error();
  Session session(prepared.value().settings, Mode::replay, {});
  const auto reached = replay_to_goal(prepared.value(), session);
  if (!reached.ok() || reached.value() != 0) return reached;
  return commit_disks(*prepared.value().trace, session);
}

}  // namespace lockstitch::app
