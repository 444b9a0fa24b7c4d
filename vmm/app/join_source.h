// The leader's half of a join: sends the machine to a standby, piece by piece between two passes, while the guest runs.
// Disks first, what differs by the standby's sums; then memory in rounds; at the end one short stop. The log begins at
// the tick of that stop.
#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "sync/peer/desk.h"
#include "vmm/app/machine_snapshot.h"

namespace lockstitch::app {

class JoinSource {
 public:
  JoinSource(Machine& machine, const WrittenDisks& disks, sync::Desk& desk);

  /// At most a millisecond or so of work, but for the last call. True: there is more that could be done at once.
  bool work();
  bool done() const { return phase_ == Phase::done; }

 private:
  enum class Phase : std::uint8_t { disks, memory, done };

  void take_sums();
  bool compare_chunks();
  void compare(std::uint16_t disk, std::uint64_t chunk, const Digest& theirs);
  void begin_memory();
  void next_round();
  bool send_some();
  void send_pages(std::size_t count);
  void send_clusters(std::size_t disk, std::size_t count);
  void cut();
  void show_progress();

  Machine& machine_;
  const WrittenDisks& disks_;
  sync::Desk& desk_;
  Phase phase_ = Phase::disks;
  std::deque<sync::DiskSums> sums_;
  std::uint64_t chunks_left_ = 0;
  std::vector<std::uint64_t> pages_;                  ///< to be sent, from the back
  std::vector<std::vector<std::uint64_t>> clusters_;  ///< of each disk, the same
  unsigned rounds_ = 0;
  std::uint64_t done_bytes_ = 0, total_bytes_ = 0, shown_bytes_ = 0;
};

}  // namespace lockstitch::app
