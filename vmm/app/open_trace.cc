// See open_trace.h.
#include "vmm/app/open_trace.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "sync/trace/pack.h"
#include "vmm/app/image_pieces.h"
#include "vmm/app/message.h"

namespace lockstitch::app {

namespace {

Result<std::string> temporary_folder() {
  const char* chosen = std::getenv("TMPDIR");
  std::string path = std::string(chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp") + "/lockstitch-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return Error{ExitCode::unavailable, fmt::format("a temporary folder '{}' cannot be made ({}); set TMPDIR to a "
                                                    "folder with room",
                                                    path, std::strerror(errno))};
  }
  return path;
}

}  // namespace

OpenTrace::OpenTrace(std::string name, sync::TraceFolder folder) : name_(std::move(name)), folder_(std::move(folder)) {
  folder_.read_formats_with(open_image_pieces);
}

Result<std::unique_ptr<OpenTrace>> OpenTrace::open(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error{ExitCode::missing_input, fmt::format("the trace '{}' cannot be found ({}); name a folder made by "
                                                      "`lockstitch record` or a file made by `lockstitch trace pack`",
                                                      path, std::strerror(errno))};
  }
  std::unique_ptr<OpenTrace> trace;
  if (S_ISDIR(info.st_mode)) {
    trace.reset(new OpenTrace(path, sync::TraceFolder(path)));
    if (::access(trace->folder_.header().c_str(), F_OK) != 0) {
      return Error{ExitCode::bad_input, fmt::format("'{}' is no trace: it has no header; name a folder made by "
                                                    "`lockstitch record`",
                                                    path)};
    }
  } else {
    if (!sync::is_packed(path)) {
      return Error{ExitCode::bad_input,
                   fmt::format("'{}' is no trace: neither a folder made by `lockstitch record` nor "
                               "a file made by `lockstitch trace pack`",
                               path)};
    }
    auto place = temporary_folder();
    if (!place.ok()) return place.error();
    const std::string inner = place.value() + "/trace";
    trace.reset(new OpenTrace(path, sync::TraceFolder(inner)));
    trace->temporary_ = place.value();
    const Outcome unpacked = sync::unpack_trace(path, inner, [](std::uint64_t, std::uint64_t) {});
    if (!unpacked) return unpacked.error();
  }
  auto header = sync::read_header(trace->folder_.header());
  if (!header.ok()) return header.error();
  trace->header_ = std::move(header).value();
  return trace;
}

OpenTrace::~OpenTrace() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

Result<sync::Header> OpenTrace::header_with_images(const std::vector<std::string>& search) const {
  sync::Header header = header_;
  for (sync::ImageReference& image : header.images) {
    auto found = folder_.locate_image(image, search);
    if (!found.ok()) return found.error();
    image = std::move(found).value();
  }
  return header;
}

Result<LogSurvey> OpenTrace::survey(const std::function<void(const sync::Entry&)>& each) const {
  auto reader = read_log();
  if (!reader.ok()) return reader.error();
  LogSurvey survey;
  for (;;) {
    auto next = reader.value().next();
    if (!next.ok()) {
      survey.damage = next.error();
      break;
    }
    if (!next.value()) {
      survey.cut = reader.value().cut();
      break;
    }
    sync::Entry& entry = *next.value();
    if (each) each(entry);
    survey.last_tick = entry.tick;
    survey.known_until = std::max(survey.known_until, entry.tick);
    if (std::holds_alternative<sync::HorizonEntry>(entry.body)) survey.known_until = entry.tick + 1;
    if (std::holds_alternative<sync::EndEntry>(entry.body)) survey.end = std::move(entry);
  }
  return survey;
}

Result<std::optional<sync::CheckpointFile>> OpenTrace::checkpoint_before(Tick tick) const {
  const auto all = checkpoints();
  for (auto listing = all.rbegin(); listing != all.rend(); ++listing) {
    if (listing->tick > tick) continue;
    auto file = sync::CheckpointFile::open(listing->path, identity());
    if (!file.ok()) return file.error();
    return std::optional<sync::CheckpointFile>(std::move(file).value());
  }
  return std::optional<sync::CheckpointFile>();
}

std::string trace_of_checkpoint(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().parent_path().parent_path().string();
}

}  // namespace lockstitch::app
