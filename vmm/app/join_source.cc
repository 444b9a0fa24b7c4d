// See join_source.h.
#include "vmm/app/join_source.h"

#include <algorithm>
#include <chrono>

#include "vmm/machine/state_writer.h"

namespace lockstitch::app {

namespace {

/// Unit: pages of 4 KiB. What one call compares or sends.
constexpr std::size_t piece_pages = 256;
/// Unit: pages. So little that the guest may stand still for it.
constexpr std::size_t cut_pages = 1024;
/// A guest that writes faster than we send is stopped with more.
constexpr unsigned max_rounds = 12;

/// Unit: bytes. How often the standby is told how far it is.
constexpr std::uint64_t progress_bytes = 16u << 20;

constexpr std::uint64_t clusters_per_chunk = sync::join_chunk_bytes / page_bytes;

std::uint64_t chunks_of(const sync::WrittenDisk& disk) {
  return (disk.clusters() + clusters_per_chunk - 1) / clusters_per_chunk;
}

}  // namespace

JoinSource::JoinSource(Machine& machine, const WrittenDisks& disks, sync::Desk& desk)
    : machine_(machine), disks_(disks), desk_(desk), clusters_(disks.size()) {
  // From now on the disks remember what is written; whatever was written before the sums show.
  for (std::size_t i = 0; i < disks.size(); ++i) {
    disks[i]->take_written(clusters_[i]);
    clusters_[i].clear();
    if (!disks[i]->read_only()) chunks_left_ += chunks_of(*disks[i]);
  }
  total_bytes_ = chunks_left_ * sync::join_chunk_bytes + machine.memory().pages() * page_bytes;
}

bool JoinSource::work() {
  if (phase_ == Phase::done) return false;
  take_sums();
  if (!desk_.room()) return false;
  if (phase_ == Phase::disks) {
    const bool more = compare_chunks();
    if (chunks_left_ == 0) begin_memory();
    show_progress();
    return more || phase_ == Phase::memory;
  }
  if (!send_some()) next_round();
  if (phase_ != Phase::done) show_progress();
  return phase_ != Phase::done;
}

void JoinSource::take_sums() {
  while (auto part = desk_.take_part()) {
    if (auto* sums = std::get_if<sync::DiskSums>(&*part)) sums_.push_back(std::move(*sums));
  }
}

bool JoinSource::compare_chunks() {
  if (sums_.empty()) return false;
  sync::DiskSums sums = std::move(sums_.front());
  sums_.pop_front();
  if (sums.disk >= disks_.size()) return true;
  const std::uint64_t chunks = chunks_of(*disks_[sums.disk]);
  for (std::size_t i = 0; i < sums.sums.size() && sums.first_chunk + i < chunks && chunks_left_ > 0; ++i) {
    compare(sums.disk, sums.first_chunk + i, sums.sums[i]);
    --chunks_left_;
    done_bytes_ += sync::join_chunk_bytes;
  }
  return !sums_.empty();
}

void JoinSource::compare(std::uint16_t disk, std::uint64_t chunk, const Digest& theirs) {
  sync::WrittenDisk& ours = *disks_[disk];
  const std::uint64_t first = chunk * clusters_per_chunk;
  sync::DiskData data{disk, {}, {}};
  for (std::uint64_t c = first; c < std::min(first + clusters_per_chunk, ours.clusters()); ++c)
    data.clusters.push_back(c);
  data.contents.resize(data.clusters.size() * page_bytes);
  for (std::size_t i = 0; i < data.clusters.size(); ++i) {
    ours.read_cluster(data.clusters[i], MutableBytes(data.contents).subspan(i * page_bytes, page_bytes));
  }
  if (sync::chunk_sum(data.contents) != theirs) desk_.send_part(data);
}

void JoinSource::begin_memory() {
  phase_ = Phase::memory;
  Memory& memory = machine_.memory();
  memory.take_dirty(DirtySince::checkpoint, pages_);
  pages_.clear();
  static constexpr std::array<std::uint8_t, page_bytes> zeros{};
  for (std::uint64_t page = memory.pages(); page-- > 0;) {
    const Bytes contents = memory.page_contents(page);
    if (!std::equal(contents.begin(), contents.end(), zeros.begin())) pages_.push_back(page);
  }
  total_bytes_ = done_bytes_ + pages_.size() * page_bytes;
}

bool JoinSource::send_some() {
  for (std::size_t disk = 0; disk < disks_.size(); ++disk) {
    if (clusters_[disk].empty()) continue;
    send_clusters(disk, piece_pages);
    return true;
  }
  if (pages_.empty()) return false;
  send_pages(piece_pages);
  return true;
}

void JoinSource::send_pages(std::size_t count) {
  sync::RamPages part;
  const Memory& memory = machine_.memory();
  while (part.numbers.size() < count && !pages_.empty()) {
    const std::uint64_t page = pages_.back();
    pages_.pop_back();
    part.numbers.push_back(page);
    const Bytes contents = memory.page_contents(page);
    part.contents.insert(part.contents.end(), contents.begin(), contents.end());
  }
  done_bytes_ += part.contents.size();
  desk_.send_part(part);
}

void JoinSource::send_clusters(std::size_t disk, std::size_t count) {
  sync::DiskData part{static_cast<std::uint16_t>(disk), {}, {}};
  auto& left = clusters_[disk];
  while (part.clusters.size() < count && !left.empty()) {
    part.clusters.push_back(left.back());
    left.pop_back();
  }
  part.contents.resize(part.clusters.size() * page_bytes);
  for (std::size_t i = 0; i < part.clusters.size(); ++i) {
    disks_[disk]->read_cluster(part.clusters[i], MutableBytes(part.contents).subspan(i * page_bytes, page_bytes));
  }
  done_bytes_ += part.contents.size();
  desk_.send_part(part);
}

void JoinSource::next_round() {
  machine_.memory().take_dirty(DirtySince::checkpoint, pages_);
  std::size_t left = pages_.size();
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    disks_[i]->take_written(clusters_[i]);
    left += clusters_[i].size();
  }
  total_bytes_ = done_bytes_ + left * page_bytes;
  if (left <= cut_pages || ++rounds_ >= max_rounds) cut();
}

void JoinSource::cut() {
  const auto start = std::chrono::steady_clock::now();
  while (send_some()) continue;
  const Digest digest = machine_.digest();
  desk_.send_part(sync::MachineState{machine_.tick(), digest, save_state(machine_)});
  desk_.begin_log(machine_.tick());
  phase_ = Phase::done;
  const auto took = std::chrono::steady_clock::now() - start;
  desk_.figures.blackout_ns =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
}

void JoinSource::show_progress() {
  if (done_bytes_ - shown_bytes_ >= progress_bytes) {
    shown_bytes_ = done_bytes_;
    desk_.send_part(sync::JoinProgress{done_bytes_, total_bytes_});
  }
  desk_.figures.join_done_bytes = done_bytes_;
  desk_.figures.join_total_bytes = total_bytes_;
}

}  // namespace lockstitch::app
