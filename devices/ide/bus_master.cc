// See bus_master.h.
#include "devices/ide/bus_master.h"

#include <algorithm>
#include <array>

namespace lockstitch {
namespace {
constexpr std::uint64_t entry_bytes = 8, region_max_bytes = 0x1'0000;
constexpr std::uint64_t address_end = std::uint64_t{1} << 32;
constexpr std::uint8_t end_of_table = 0x80;
}  // namespace

bool RegionWalk::more() {
  if (bytes_ != 0 && !failed_) return true;
  if (failed_ || last_ || entries_ == table_max_entries) return false;
  std::array<std::uint8_t, entry_bytes> entry;
  if (!memory_.read(next_entry_, entry)) {
    failed_ = true;
    return false;
  }
  ++entries_;
  next_entry_ = (next_entry_ + entry_bytes) % address_end;
  address_ = (Gpa{entry[0]} | Gpa{entry[1]} << 8 | Gpa{entry[2]} << 16 | Gpa{entry[3]} << 24) & ~Gpa{1};
  bytes_ = (entry[4] | std::uint64_t{entry[5]} << 8) & ~std::uint64_t{1};
  if (bytes_ == 0) bytes_ = region_max_bytes;
  last_ = entry[7] & end_of_table;
  failed_ = address_ + bytes_ > address_end;
  return !failed_;
}

std::size_t RegionWalk::write(Bytes in) {
  std::size_t done = 0;
  while (done < in.size() && more()) {
    const std::size_t n = std::min<std::uint64_t>(bytes_, in.size() - done);
    if (!memory_.write(address_, in.subspan(done, n))) {
      failed_ = true;
      break;
    }
    done += n, address_ += n, bytes_ -= n;
  }
  return done;
}

std::size_t RegionWalk::read(MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size() && more()) {
    const std::size_t n = std::min<std::uint64_t>(bytes_, out.size() - done);
    if (!memory_.read(address_, out.subspan(done, n))) {
      failed_ = true;
      break;
    }
    done += n, address_ += n, bytes_ -= n;
  }
  return done;
}

void BusMaster::visit(StateVisitor& v) {
  v.field("command", command_);
  v.field("status", status_);
  v.field("table", table_);
  v.field("used", used_);
}

std::uint8_t BusMaster::read(unsigned offset) const {
  if (offset == 0) return command_;
  if (offset == 2) return status_;
  return offset >= 4 ? static_cast<std::uint8_t>(table_ >> (8 * (offset - 4))) : 0;
}

void BusMaster::write(unsigned offset, std::uint8_t value) {
  if (offset == 0) {
    const bool was_started = command_ & start;
    command_ = value & (start | to_memory);
    if (!(command_ & start)) {
      status_ &= ~active;
    } else if (!was_started) {
      status_ |= active;
      used_ = false;
    }
  } else if (offset == 2) {
    status_ = static_cast<std::uint8_t>((status_ & ~(value & (error | interrupted)) & ~capable) | (value & capable));
  } else if (offset >= 4) {
    const unsigned shift = 8 * (offset - 4);
    table_ = (table_ & ~(std::uint32_t{0xff} << shift)) | std::uint32_t{value} << shift;
    table_ &= ~std::uint32_t{3};
  }
}

void BusMaster::end(const RegionWalk& walk, bool complete) {
  used_ = true;
  if (walk.failed()) return fail();
  // Intel's table of outcomes: active stays set when the drive is content and regions are left over; active clear
  // without an interrupt says that the regions were too few.
  if (!complete || walk.used_up()) status_ &= ~active;
}

void BusMaster::fail() {
  used_ = true;
  status_ = static_cast<std::uint8_t>((status_ & ~active) | error);
}

}  // namespace lockstitch
