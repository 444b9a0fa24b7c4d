// See checkpoint_file.h.
#include "sync/checkpoint/checkpoint_file.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>

#include "sync/log/frame.h"

namespace lockstitch::sync {
namespace {

constexpr std::string_view ending = ".checkpoint";
constexpr std::size_t tick_digits = 20;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// A run, or the part of one that lies in one block.
struct Wanted {
  PageId id = 0;
  std::uint64_t page = 0, count = 0;
};

}  // namespace

std::string page_store_path(const std::string& folder) { return folder + "/pages"; }

std::string checkpoint_path(const std::string& folder, Tick tick) {
  return fmt::format("{}/{:020}{}", folder, tick.value, ending);
}

std::vector<CheckpointListing> list_checkpoints(const std::string& folder) {
  std::vector<CheckpointListing> found;
  DIR* handle = ::opendir(folder.c_str());
  if (handle == nullptr) return found;
  while (const dirent* file = ::readdir(handle)) {
    const std::string name = file->d_name;
    if (name.size() != tick_digits + ending.size() || !name.ends_with(ending)) continue;
    if (name.find_first_not_of("0123456789") != tick_digits || name > "18446744073709551615") continue;
    found.push_back({Tick{std::stoull(name.substr(0, tick_digits))}, folder + "/" + name});
  }
  ::closedir(handle);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.tick < b.tick; });
  return found;
}

Result<CheckpointFile> CheckpointFile::open(const std::string& path, Digest trace) {
  auto bytes = read_file_whole(path, frame_header_bytes + frame_max_bytes, "The checkpoint");
  if (!bytes.ok()) return bytes.error();
  const auto bad = [&](std::string_view what) {
    return Error{ExitCode::bad_input,
                 fmt::format("The checkpoint '{}' cannot be used: {}; use an earlier one.", path, what)};
  };
  const Frame frame = read_frame(bytes.value(), trace);
  if (frame.fault == FrameFault::cut || frame.fault == FrameFault::end) return bad("it is cut off");
  if (frame.fault == FrameFault::damaged || frame.bytes != bytes.value().size()) {
    return bad("it is damaged, or belongs to another trace");
  }
  auto contents = decode_checkpoint(frame.payload);
  if (!contents.ok()) return bad(contents.error().text);
  if (contents.value().trace != trace) return bad("it belongs to another trace");
  CheckpointFile file;
  file.path_ = path;
  file.contents_ = std::move(contents).value();
  return file;
}

PageId CheckpointFile::last_id() const {
  PageId last = 0;
  for (const auto& runs : contents_.runs) {
    for (const PageRun& run : runs) last = std::max(last, run.first_id + run.count - 1);
  }
  return last;
}

Outcome CheckpointFile::load(std::size_t region, const std::function<void(std::uint64_t, Bytes)>& each) const {
  std::vector<Wanted> wanted;
  for (const PageRun& run : contents_.runs.at(region)) wanted.push_back({run.first_id, run.first_page, run.count});
  if (wanted.empty()) return success();
  std::sort(wanted.begin(), wanted.end(), [](const Wanted& a, const Wanted& b) { return a.id < b.id; });
  auto store = PageStoreReader::open(page_store_path(folder_of(path_)), contents_.trace);
  if (!store.ok()) return store.error();
  for (const Wanted& run : wanted) {
    if (run.id + run.count - 1 <= store.value().last()) continue;
    return Error{ExitCode::bad_input,
                 fmt::format("The checkpoint '{}' cannot be used: the page store is damaged or cut "
                             "off behind page {} and it needs page {}; use an earlier one.",
                             path_, store.value().last(), run.id + run.count - 1)};
  }

  std::vector<std::uint8_t> pages;
  auto next = wanted.begin();
  std::vector<Wanted> carried;  // runs that go on in the next block
  for (const StoreBlock& block : store.value().blocks()) {
    const PageId end = block.first + block.pages;
    std::vector<Wanted> here = std::move(carried);
    carried.clear();
    while (next != wanted.end() && next->id < end) here.push_back(*next++);
    if (here.empty()) continue;
    if (const Outcome read = store.value().read(block, pages); !read) return read;
    for (Wanted run : here) {
      for (; run.count > 0 && run.id < end; ++run.id, ++run.page, --run.count) {
        each(run.page, Bytes(pages).subspan((run.id - block.first) * page_bytes, page_bytes));
      }
      if (run.count > 0) carried.push_back(run);
    }
  }
  return success();
}

Outcome CheckpointFile::verify() const {
  for (std::size_t region = 0; region < contents_.runs.size(); ++region) {
    if (const Outcome loaded = load(region, [](std::uint64_t, Bytes) {}); !loaded) return loaded;
  }
  return success();
}

}  // namespace lockstitch::sync
