// See join_target.h.
#include "vmm/app/join_target.h"

#include <algorithm>
#include <array>

#include "vmm/machine/state_reader.h"

namespace lockstitch::app {

namespace {

/// Unit: chunks. Of one part.
constexpr std::uint64_t piece_chunks = 16;
constexpr std::uint64_t clusters_per_chunk = sync::join_chunk_bytes / page_bytes;

Error misfit(const char* what) {
  return {ExitCode::bad_input, std::string("the leader's machine does not fit this one: ") + what};
}

}  // namespace

JoinTarget::JoinTarget(Machine& machine, const WrittenDisks& disks, sync::Desk& desk)
    : machine_(machine), disks_(disks), desk_(desk) {
  // The leader sends what is not zero.
  static constexpr std::array<std::uint8_t, page_bytes> zeros{};
  Memory& memory = machine.memory();
  for (std::uint64_t page = 0; page < memory.pages(); ++page) {
    const Bytes contents = memory.page_contents(page);
    if (!std::equal(contents.begin(), contents.end(), zeros.begin())) memory.set_page_contents(page, zeros);
  }
}

bool JoinTarget::work() {
  while (disk_ < disks_.size() && disks_[disk_]->read_only()) ++disk_;
  if (disk_ == disks_.size() || !desk_.room()) return false;
  sync::WrittenDisk& disk = *disks_[disk_];
  sync::DiskSums part{static_cast<std::uint16_t>(disk_), chunk_, {}};
  std::vector<std::uint8_t> chunk;
  for (; part.sums.size() < piece_chunks && chunk_ * clusters_per_chunk < disk.clusters(); ++chunk_) {
    const std::uint64_t first = chunk_ * clusters_per_chunk;
    const std::uint64_t count = std::min(clusters_per_chunk, disk.clusters() - first);
    chunk.resize(count * page_bytes);
    for (std::uint64_t i = 0; i < count; ++i) {
      disk.read_cluster(first + i, MutableBytes(chunk).subspan(i * page_bytes, page_bytes));
    }
    part.sums.push_back(sync::chunk_sum(chunk));
  }
  if (part.sums.empty()) {
    ++disk_;
    chunk_ = 0;
    return true;
  }
  desk_.send_part(part);
  return true;
}

Result<bool> JoinTarget::take(const sync::JoinPart& part) {
  if (const auto* pages = std::get_if<sync::RamPages>(&part)) {
    Memory& memory = machine_.memory();
    for (std::size_t i = 0; i < pages->numbers.size(); ++i) {
      if (pages->numbers[i] >= memory.pages()) return misfit("it has more memory");
      memory.set_page_contents(pages->numbers[i], Bytes(pages->contents).subspan(i * page_bytes, page_bytes));
    }
  } else if (const auto* data = std::get_if<sync::DiskData>(&part)) {
    if (data->disk >= disks_.size() || disks_[data->disk]->read_only()) return misfit("it has other disks");
    for (std::size_t i = 0; i < data->clusters.size(); ++i) {
      if (data->clusters[i] >= disks_[data->disk]->clusters()) return misfit("it has larger disks");
      disks_[data->disk]->write_cluster(data->clusters[i], Bytes(data->contents).subspan(i * page_bytes, page_bytes));
    }
  } else if (const auto* state = std::get_if<sync::MachineState>(&part)) {
    if (const Outcome taken = take_state(*state); !taken) return taken.error();
    return true;
  }
  return false;
}

Outcome JoinTarget::take_state(const sync::MachineState& state) {
  if (const Outcome loaded = load_state(machine_, state.state); !loaded) return misfit(loaded.error().text.c_str());
  if (machine_.digest() != state.digest) return misfit("what arrived has another digest than what was sent");
  for (const auto& disk : disks_) {
    if (!disk->read_only()) disk->flush();
  }
  return success();
}

}  // namespace lockstitch::app
