// The DMA side of one IDE channel: its registers, and the walk over the guest's list of memory regions. Not here: when
// a transfer happens (ide_channel.h) and what is transferred (the drives).
#pragma once
#include <cstdint>

#include "lockstitch/device.h"

namespace lockstitch {

/// The regions of one table in the order of the transfer. Each entry names an address, an even number of bytes (0: 64
/// KiB) and whether it is the last. Bounded: a table ends at the latest after 64 KiB, for it may not cross such a
/// border.
class RegionWalk {
 public:
  static constexpr unsigned table_max_entries = 8192;
  RegionWalk(GuestMemory& memory, Gpa table) : memory_(memory), next_entry_(table) {}

  /// Moves bytes to or from the next regions. Returns how many: fewer than asked at the table's end or after a failure.
  std::size_t write(Bytes in);
  std::size_t read(MutableBytes out);
  /// An address was not RAM.
  bool failed() const { return failed_; }
  /// Every region of the table has been filled.
  bool used_up() const { return bytes_ == 0 && last_; }

 private:
  /// Makes bytes_ positive, or returns false.
  bool more();

  GuestMemory& memory_;
  Gpa next_entry_;
  Gpa address_ = 0;
  std::uint64_t bytes_ = 0;
  unsigned entries_ = 0;
  bool last_ = false, failed_ = false;
};

/// The eight registers of a channel.
class BusMaster {
 public:
  static constexpr unsigned register_count = 8;

  void reset() { *this = {}; }
  void visit(StateVisitor& visitor);
  std::uint8_t read(unsigned offset) const;
  void write(unsigned offset, std::uint8_t value);

  /// The guest has started the engine and its table has not been used yet.
  bool ready() const { return (status_ & active) && !used_; }
  Gpa table() const { return table_; }
  /// A transfer is over. `complete`: the drive's data ended first, or together with the table.
  void end(const RegionWalk& walk, bool complete);
  /// The engine could not reach memory at all.
  void fail();
  /// The channel's interrupt wire has risen.
  void interrupt() { status_ |= interrupted; }

 private:
  static constexpr std::uint8_t start = 1, to_memory = 8;                                // command
  static constexpr std::uint8_t active = 1, error = 2, interrupted = 4, capable = 0x60;  // status

  std::uint8_t command_ = 0, status_ = 0;
  std::uint32_t table_ = 0;
  bool used_ = false;  ///< a table serves one transfer, even if the engine stays active because some of it is left
};

}  // namespace lockstitch
