// See checkpoint_writer.h.
#include "sync/checkpoint/checkpoint_writer.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "lockstitch/assert.h"
#include "sync/checkpoint/checkpoint_codec.h"
#include "sync/checkpoint/checkpoint_file.h"
#include "sync/log/frame.h"

namespace lockstitch::sync {
namespace {

/// What is behind the last whole block is cut off when a store is continued, and its ids are given out again. So
/// nothing that a checkpoint names may be there.
Outcome check_nothing_lost(const std::string& folder, Digest trace) {
  const auto store = PageStoreReader::open(page_store_path(folder), trace);
  const PageId last = store.ok() ? store.value().last() : 0;
  for (const CheckpointListing& listing : list_checkpoints(folder)) {
    const auto checkpoint = CheckpointFile::open(listing.path, trace);
    if (!checkpoint.ok() || checkpoint.value().last_id() <= last) continue;
    return Error{
        ExitCode::bad_input,
        fmt::format("The page store in '{}' is damaged or cut off, and the checkpoint at tick {} needs what is "
                    "lost; copy the trace again, or remove that checkpoint.",
                    folder, listing.tick.value)};
  }
  return success();
}

/// Pages that lie one behind the other in region and store make one run.
std::vector<PageRun> runs_of(const std::vector<PageId>& map) {
  std::vector<PageRun> runs;
  for (std::uint64_t page = 0; page < map.size(); ++page) {
    if (map[page] == 0) continue;
    if (!runs.empty()) {
      PageRun& last = runs.back();
      if (last.first_page + last.count == page && last.first_id + last.count == map[page]) {
        ++last.count;
        continue;
      }
    }
    runs.push_back({page, 1, map[page]});
  }
  return runs;
}

}  // namespace

Result<std::unique_ptr<CheckpointWriter>> CheckpointWriter::open(const std::string& folder, Digest trace,
                                                                 std::vector<RegionShape> shapes) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return Error{ExitCode::unavailable,
                 fmt::format("The folder '{}' for checkpoints cannot be made ({}).", folder, std::strerror(errno))};
  }
  if (const Outcome whole = check_nothing_lost(folder, trace); !whole) return whole.error();
  auto store = PageStoreWriter::open(page_store_path(folder), trace);
  if (!store.ok()) return store.error();
  try {
    return std::unique_ptr<CheckpointWriter>(
        new CheckpointWriter(folder, trace, std::move(shapes), std::move(store).value()));
  } catch (const std::system_error& error) {
    return Error{ExitCode::unavailable, fmt::format("The host gives no thread ({}); raise its limit.", error.what())};
  }
}

CheckpointWriter::CheckpointWriter(std::string folder, Digest trace, std::vector<RegionShape> shapes,
                                   PageStoreWriter store)
    : folder_(std::move(folder)), trace_(trace), shapes_(std::move(shapes)), store_(std::move(store)) {
  for (const RegionShape& shape : shapes_) maps_.emplace_back(shape.pages, 0);
  thread_ = std::thread([this] { run(); });
}

CheckpointWriter::~CheckpointWriter() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

Outcome CheckpointWriter::add(Snapshot snapshot) {
  LS_ASSERT(snapshot.regions.size() == shapes_.size());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !waiting_ && !writing_; });
  if (!state_) return state_;
  waiting_ = std::move(snapshot);
  changed_.notify_all();
  return success();
}

bool CheckpointWriter::busy() const {
  std::lock_guard lock(mutex_);
  return waiting_ || writing_;
}

Outcome CheckpointWriter::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !waiting_ && !writing_; });
  return state_;
}

CheckpointWriter::Counters CheckpointWriter::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

void CheckpointWriter::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return waiting_ || ending_; });
    if (!waiting_) return;
    const Snapshot snapshot = std::move(*waiting_);
    waiting_.reset();
    writing_ = true;
    lock.unlock();
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t stored_before = store_.pages_stored(), bytes_before = store_.bytes();
    const Outcome written = write(snapshot);
    lock.lock();
    writing_ = false;
    if (state_ && !written) state_ = written;
    if (written) ++counters_.checkpoints;
    for (const PageChanges& region : snapshot.regions) counters_.pages_seen += region.numbers.size();
    counters_.pages_stored += store_.pages_stored() - stored_before;
    counters_.bytes_written += store_.bytes() - bytes_before;
    counters_.seconds_last = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    changed_.notify_all();
  }
}

Outcome CheckpointWriter::write(const Snapshot& snapshot) {
  for (std::size_t region = 0; region < maps_.size(); ++region) {
    const PageChanges& changes = snapshot.regions[region];
    LS_ASSERT_CMP(changes.contents.size(), ==, changes.numbers.size() * page_bytes);
    for (std::size_t i = 0; i < changes.numbers.size(); ++i) {
      LS_ASSERT_CMP(changes.numbers[i], <, maps_[region].size());
      auto id = store_.add(Bytes(changes.contents).subspan(i * page_bytes, page_bytes));
      if (!id.ok()) return id.error();
      maps_[region][changes.numbers[i]] = id.value();
    }
  }
  if (const Outcome synced = store_.sync(); !synced) return synced;

  CheckpointContents contents{trace_, snapshot.tick, snapshot.ns, snapshot.digest, snapshot.state, shapes_, {}};
  for (const auto& map : maps_) contents.runs.push_back(runs_of(map));
  const std::vector<std::uint8_t> message = encode(contents);
  if (message.size() > frame_max_bytes) {
    return Error{ExitCode::unavailable, "The checkpoint's list of pages is larger than a checkpoint may be."};
  }
  std::vector<std::uint8_t> bytes;
  append_frame(bytes, message, trace_);
  const std::string path = checkpoint_path(folder_, snapshot.tick);
  if (const Outcome written = write_file_whole(path, bytes, "The checkpoint"); !written) return written;
  std::lock_guard lock(mutex_);
  counters_.bytes_written += bytes.size();
  return success();
}

}  // namespace lockstitch::sync
