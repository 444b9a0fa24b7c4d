// See ata_disk.h.
#include "devices/ide/ata_disk.h"

#include <algorithm>
#include <bit>

namespace lockstitch {
namespace {
constexpr std::uint16_t default_heads = 16, default_track_sectors = 63, cylinders_max = 16'383;
constexpr std::uint8_t multiple_max = 16;
constexpr std::uint8_t device_lba = 0x40;

std::uint16_t cylinders_of(std::uint64_t sectors) {
  const std::uint64_t cylinders = sectors / (default_heads * default_track_sectors);
  return static_cast<std::uint16_t>(std::clamp<std::uint64_t>(cylinders, 1, cylinders_max));
}
}  // namespace

AtaDisk::AtaDisk(DriveCable& cable, BlockPort& disk, std::string_view serial)
    : IdeDrive(cable), disk_(disk), serial_(serial), cylinders_(cylinders_of(disk.sectors())) {}

void AtaDisk::power_on() {
  default_settings();
  IdeDrive::power_on();
}

void AtaDisk::default_settings() {
  heads_ = default_heads;
  track_sectors_ = default_track_sectors;
  multiple_ = multiple_max;
  mode_ = {};
  write_cache_ = look_ahead_ = true;
}

void AtaDisk::forget() {
  step_ = Step::none;
  error_later_ = 0;
  next_ = left_ = 0;
  block_ = 1;
  writing_ = durable_ = false;
}

void AtaDisk::visit(StateVisitor& v) {
  IdeDrive::visit(v);
  v.field("step", step_);
  v.field("error_later", error_later_);
  v.field("next_sector", next_);
  v.field("left_sectors", left_);
  v.field("block_sectors", block_);
  v.field("writing", writing_);
  v.field("durable", durable_);
  v.field("heads", heads_);
  v.field("track_sectors", track_sectors_);
  v.field("multiple", multiple_);
  v.field("mode", mode_.value);
  v.field("write_cache", write_cache_);
  v.field("look_ahead", look_ahead_);
  if (!v.loading()) return;
  if (step_ >= Step::end_of_steps || block_ == 0 || block_ > multiple_max || multiple_ > multiple_max || heads_ == 0 ||
      heads_ > 16 || track_sectors_ == 0 || !in_range(next_, left_)) {
    v.fail("a disk's command or geometry is impossible");
  }
}

void AtaDisk::do_later(Step step, std::uint64_t ns) {
  step_ = step;
  busy(ns);
}

void AtaDisk::fail_later(std::uint8_t error) {
  error_later_ = error;
  do_later(Step::fail);
}

void AtaDisk::start(std::uint8_t code, std::uint8_t device) {
  if (code == 0x08) {  // DEVICE RESET is for packet devices
    if (status() & (status_busy | status_request)) return;
    return fail_later(error_abort);
  }
  forget();
  if ((code & 0xf0) == 0x10) return do_later(Step::finish);  // RECALIBRATE
  if ((code & 0xf0) == 0x70) return verify(false, device);   // SEEK
  switch (code) {
    case 0x20:
    case 0x21:
      return access({}, device);
    case 0x24:
      return access({.wide = true}, device);
    case 0x25:
      return access({.wide = true, .dma = true}, device);
    case 0x29:
      return access({.wide = true, .multiple = true}, device);
    case 0x30:
    case 0x31:
    case 0x3c:
      return access({.writing = true}, device);
    case 0x34:
      return access({.wide = true, .writing = true}, device);
    case 0x35:
      return access({.wide = true, .writing = true, .dma = true}, device);
    case 0x39:
      return access({.wide = true, .writing = true, .multiple = true}, device);
    case 0x3d:
      return access({.wide = true, .writing = true, .dma = true, .durable = true}, device);
    case 0xc4:
      return access({.multiple = true}, device);
    case 0xc5:
      return access({.writing = true, .multiple = true}, device);
    case 0xc8:
    case 0xc9:
      return access({.dma = true}, device);
    case 0xca:
    case 0xcb:
      return access({.writing = true, .dma = true}, device);
    case 0xce:
      return access({.wide = true, .writing = true, .multiple = true, .durable = true}, device);
    case 0x40:
    case 0x41:
      return verify(false, device);
    case 0x42:
      return verify(true, device);
    case 0x91:
      return set_geometry(device);
    case 0xc6:
      return set_multiple();
    case 0xe5:
    case 0x98:  // CHECK POWER MODE: active
      set_count(0xff);
      return do_later(Step::finish);
    // Power management, and the same by its old codes.
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe6:
    case 0x94:
    case 0x95:
    case 0x96:
    case 0x97:
    case 0x99:
      return do_later(Step::finish);
    case 0xe7:
    case 0xea:
      return do_later(Step::flush, flush_ns);
    case 0xec:
      return do_later(Step::identify);
    case 0xef:
      return set_features();
    case 0xa0:
    case 0xa1:
      set_signature();
      return fail_later(error_abort);
    default:
      return fail_later(error_abort);
  }
}

bool AtaDisk::in_range(std::uint64_t sector, std::uint64_t count) const {
  return sector <= disk_.sectors() && count <= disk_.sectors() - sector;
}

bool AtaDisk::locate(bool wide, std::uint8_t device) {
  std::uint64_t sector = 0, sectors = 0;
  if (wide) {
    for (unsigned i = 0; i < 3; ++i) {
      const std::uint64_t value = wide_register(3 + i);
      sector |= (value & 0xff) << (8 * i) | (value >> 8) << (8 * i + 24);
    }
    sectors = wide_register(2) != 0 ? wide_register(2) : 0x1'0000;
  } else {
    sectors = count() != 0 ? count() : 0x100;
    const std::uint32_t middle = narrow(4) | std::uint32_t{narrow(5)} << 8;
    if (device & device_lba) {
      sector = narrow(3) | middle << 8 | std::uint32_t{device & 0x0fu} << 24;
    } else {
      const unsigned head = device & 0x0f, in_track = narrow(3);
      if (in_track == 0 || in_track > track_sectors_ || head >= heads_) return false;
      sector = (std::uint64_t{middle} * heads_ + head) * track_sectors_ + in_track - 1;
    }
  }
  if (!in_range(sector, sectors)) return false;
  next_ = sector;
  left_ = sectors;
  return true;
}

void AtaDisk::access(const Access& how, std::uint8_t device) {
  if (how.multiple && multiple_ == 0) return fail_later(error_abort);
  if (how.writing && disk_.read_only()) return fail_later(error_abort);
  if (!locate(how.wide, device)) return fail_later(error_not_found);
  block_ = how.multiple ? multiple_ : 1;
  writing_ = how.writing;
  durable_ = how.durable;
  if (!writing_) disk_.prepare(next_, left_ * sector_bytes);
  if (how.dma) {
    wait_for_dma();
  } else if (writing_) {
    request(block_sectors() * sector_bytes, false);
  } else {
    do_later(Step::read);
  }
}

void AtaDisk::verify(bool wide, std::uint8_t device) {
  const bool found = locate(wide, device);
  forget();
  if (!found) return fail_later(error_not_found);
  do_later(Step::finish);
}

void AtaDisk::set_geometry(std::uint8_t device) {
  if (count() == 0) return fail_later(error_abort);
  track_sectors_ = count();
  heads_ = static_cast<std::uint8_t>((device & 0x0f) + 1);
  do_later(Step::finish);
}

void AtaDisk::set_multiple() {
  if (count() > multiple_max || (count() != 0 && !std::has_single_bit(count()))) return fail_later(error_abort);
  multiple_ = count();
  do_later(Step::finish);
}

void AtaDisk::set_features() {
  switch (features()) {
    case 0x02:
      write_cache_ = true;
      break;
    case 0x82:
      return write_cache_ = false, do_later(Step::flush, flush_ns);
    case 0x55:
      look_ahead_ = false;
      break;
    case 0xaa:
      look_ahead_ = true;
      break;
    case 0x03:
      if (!is_transfer_mode(count())) return fail_later(error_abort);
      if (count() >= 0x20) mode_.value = count();
      break;
    // Power management, acoustics, release of the bus, defaults after a reset: nothing here depends on them.
    case 0x05:
    case 0x85:
    case 0x42:
    case 0xc2:
    case 0x66:
    case 0xcc:
    case 0x69:
    case 0x95:
    case 0x96:
    case 0x67:
      break;
    default:
      return fail_later(error_abort);
  }
  do_later(Step::finish);
}

std::uint32_t AtaDisk::block_sectors() const {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(block_, left_));
}

void AtaDisk::resume() {
  const Step step = step_;
  step_ = Step::none;
  switch (step) {
    case Step::fail: {
      const std::uint8_t error = error_later_;
      forget();
      return IdeDrive::fail(error);
    }
    case Step::identify:
      return identify();
    case Step::read:
      return read_block();
    case Step::write:
      return write_block();
    case Step::flush:
      disk_.flush();
      return finish();
    case Step::none:
    case Step::finish:
    case Step::end_of_steps:
      return finish();
  }
}

void AtaDisk::identify() {
  describe_disk({.sectors = disk_.sectors(),
                 .cylinders = cylinders_,
                 .heads = default_heads,
                 .track_sectors = default_track_sectors,
                 .current_heads = heads_,
                 .current_track_sectors = track_sectors_,
                 .multiple = multiple_,
                 .mode = mode_,
                 .write_cache = write_cache_,
                 .look_ahead = look_ahead_,
                 .serial = serial_},
                buffer().first(identity_bytes));
  offer(identity_bytes);
}

void AtaDisk::read_block() {
  if (left_ == 0) return finish();
  const std::uint32_t sectors = block_sectors();
  disk_.read(next_, buffer().first(sectors * sector_bytes));
  next_ += sectors;
  left_ -= sectors;
  show_progress();
  offer(sectors * sector_bytes);
}

void AtaDisk::block_taken() {
  if (left_ == 0) return rest();
  if (next_block_at_once()) return read_block();
  do_later(Step::read, next_block_ns);
}

void AtaDisk::block_given() {
  const std::uint32_t sectors = block_sectors();
  do_later(Step::write);
  hold(sectors * sector_bytes);
}

void AtaDisk::write_block() {
  const std::uint32_t sectors = block_sectors();
  if (sectors == 0 || held() != sectors * sector_bytes || disk_.read_only()) return IdeDrive::fail(error_abort);
  disk_.write(next_, buffer().first(sectors * sector_bytes));
  next_ += sectors;
  left_ -= sectors;
  show_progress();
  if (left_ != 0) return request(block_sectors() * sector_bytes, true);
  written();
  finish();
}

void AtaDisk::written() {
  if (durable_ || !write_cache_) disk_.flush();
}

bool AtaDisk::transfer(RegionWalk& walk, MutableBytes scratch) {
  if (writing_ && disk_.read_only()) return false;
  while (left_ != 0) {
    const MutableBytes piece = scratch.first(std::min<std::uint64_t>(left_ * sector_bytes, scratch.size()));
    std::size_t moved = 0;
    if (writing_) {
      moved = walk.read(piece);
      if (moved >= sector_bytes) disk_.write(next_, piece.first(moved / sector_bytes * sector_bytes));
    } else {
      disk_.read(next_, piece);
      moved = walk.write(piece);
    }
    next_ += moved / sector_bytes;
    left_ -= moved / sector_bytes;
    if (moved != piece.size()) return false;
  }
  if (writing_) written();
  return true;
}

void AtaDisk::transferred() {
  show_progress();
  finish();
}

void AtaDisk::show_progress() { set_wide_register(2, static_cast<std::uint16_t>(left_)); }

}  // namespace lockstitch
