// See cd_drive.h.
#include "devices/ide/cd_drive.h"

#include <algorithm>

#include "lockstitch/limits.h"

namespace lockstitch {
namespace {
constexpr std::size_t packet_bytes = std::tuple_size_v<Packet>;
constexpr std::uint16_t block_limit_max = 0xfffe;
// The interrupt reason, in the count register: a command packet is wanted; data goes to the host.
constexpr std::uint8_t reason_command = 1, reason_to_host = 2;

/// READ (10), READ (12), READ CD.
bool is_read(const Packet& packet) { return packet[0] == 0x28 || packet[0] == 0xa8 || packet[0] == 0xbe; }
std::uint32_t blocks_to_read(const Packet& packet) {
  if (packet[0] == 0x28) return packet_number(packet, 7, 2);
  return packet[0] == 0xa8 ? packet_number(packet, 6, 4) : packet_number(packet, 6, 3);
}
}  // namespace

CdDrive::CdDrive(DriveCable& cable, std::vector<BlockPort*> media, std::string_view serial)
    : IdeDrive(cable), media_(std::move(media)), serial_(serial), medium_(media_.empty() ? no_medium : 0) {}

void CdDrive::power_on() {
  locked_ = false;
  mode_ = {};
  sense_ = {};
  attention_ = sense_reset.code;
  event_ = MediumEvent::none;
  IdeDrive::power_on();
}

void CdDrive::forget() {
  step_ = Step::none;
  packet_ = {};
  data_ = Data::none;
  dma_ = false;
  block_limit_ = 0;
  position_ = left_ = 0;
  answer_.clear();
}

void CdDrive::visit(StateVisitor& v) {
  IdeDrive::visit(v);
  v.field("medium", medium_);
  v.field("tray_open", tray_open_);
  v.field("locked", locked_);
  v.field("sense_key", sense_.key);
  v.field("sense_code", sense_.code);
  v.field("sense_qualifier", sense_.qualifier);
  v.field("attention", attention_);
  v.field("event", event_);
  v.field("mode", mode_.value);
  v.field("step", step_);
  v.field("packet", packet_);
  v.field("data", data_);
  v.field("dma", dma_);
  v.field("block_limit", block_limit_);
  v.field("position", position_);
  v.field("left", left_);
  v.blob("answer", answer_, mmc_answer_max_bytes);
  if (!v.loading()) return;
  if (medium_ != no_medium && medium_ >= media_.size()) {
    medium_ = no_medium;
    v.fail("a CD drive holds a medium that is not there");
  }
  bool possible = step_ < Step::end_of_steps && data_ < Data::end_of_kinds;
  if (data_ == Data::none || data_ == Data::dropped) possible = possible && left_ <= 0xffff;
  if (data_ == Data::answer) possible = possible && position_ <= answer_.size() && left_ <= answer_.size() - position_;
  if (data_ == Data::disc) possible = possible && on_disc(position_, left_);
  if (!possible) {
    forget();
    v.fail("a CD drive's command is impossible");
  }
}

void CdDrive::arrive(Bytes payload) {
  if (payload.size() != 1) return;
  const std::uint8_t index = payload[0];
  if (index != no_medium && index >= media_.size()) return;
  const bool reads = data_ == Data::disc;
  const bool removes = index == no_medium;
  if (removes && present()) event_ = MediumEvent::removed;
  if (!removes) event_ = MediumEvent::new_medium;
  medium_ = index;
  tray_open_ = false;
  // What has happened since power-on comes first; a read that fails is told of the change by that.
  if (removes && attention_ == sense_medium_changed.code) attention_ = 0;
  if (!removes && !reads) attention_ = sense_medium_changed.code;
  if (!reads) return;
  forget();
  sense_ = removes ? sense_no_medium : sense_medium_changed;
  do_later(Step::check);
  cable().drive_changed();
}

void CdDrive::do_later(Step step, std::uint64_t ns) {
  step_ = step;
  busy(ns);
}

void CdDrive::start(std::uint8_t code, std::uint8_t) {
  if (code == 0x08) return diagnose(false);  // DEVICE RESET
  forget();
  switch (code) {
    case 0xa0:
      return start_packet();
    case 0xa1:
      return do_later(Step::identify);
    case 0xef:
      return set_features();
    case 0xe5:
    case 0x98:  // CHECK POWER MODE: active
      set_count(0xff);
      return do_later(Step::finish);
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
    case 0x20:
    case 0xec:
      set_signature();
      return do_later(Step::abort);
    default:
      return do_later(Step::abort);
  }
}

void CdDrive::set_features() {
  const bool mode = features() == 0x03;
  if (mode && !is_transfer_mode(count())) return do_later(Step::abort);
  if (mode && count() >= 0x20) mode_.value = count();
  constexpr std::array<std::uint8_t, 5> harmless = {0x03, 0x66, 0xcc, 0x95, 0x31};
  const bool known = std::find(harmless.begin(), harmless.end(), features()) != harmless.end();
  do_later(known ? Step::finish : Step::abort);
}

void CdDrive::start_packet() {
  constexpr std::uint8_t by_dma = 1, overlapped = 2;
  if (features() & overlapped) return do_later(Step::abort);
  dma_ = features() & by_dma;
  const std::uint16_t limit = static_cast<std::uint16_t>(narrow(4) | narrow(5) << 8);
  block_limit_ = limit == 0 || limit > block_limit_max ? block_limit_max : limit;
  step_ = Step::packet;
  set_count(reason_command);
  request(packet_bytes, false);
}

void CdDrive::accept_packet() {
  std::copy_n(buffer().begin(), packet_bytes, packet_.begin());
  if (is_read(packet_) && present()) {
    const std::uint64_t at = std::uint64_t{packet_number(packet_, 2, 4)} * cd_block_bytes;
    const std::uint64_t bytes = std::min<std::uint64_t>(std::uint64_t{blocks_to_read(packet_)} * cd_block_bytes,
                                                        limits::block_request_max_bytes);
    if (bytes != 0 && on_disc(at, bytes)) media_[medium_]->prepare(at / sector_bytes, bytes);
  }
  do_later(Step::execute);
}

void CdDrive::resume() {
  const Step step = step_;
  step_ = Step::none;
  switch (step) {
    case Step::identify:
      describe_cd(mode_, serial_, buffer().first(identity_bytes));
      return offer(identity_bytes);
    case Step::abort:
      return fail(error_abort);
    case Step::execute:
      return execute();
    case Step::check:
      return check(sense_);
    case Step::next_block:
      return next_block();
    case Step::success:
      return succeed();
    case Step::none:
    case Step::finish:
    case Step::packet:
    case Step::end_of_steps:
      return finish();
  }
}

void CdDrive::execute() {
  const std::uint8_t code = packet_[0];
  if (code == 0x03) return request_sense();
  sense_ = {};
  if (attention_ != 0 && !mmc_always_works(code)) {
    const Sense attention{6, attention_, 0};
    attention_ = 0;
    return check(attention);
  }
  switch (code) {
    case 0x00:
      return present() ? succeed() : check(sense_no_medium);  // TEST UNIT READY
    case 0x1b:
      return start_stop();
    case 0x1e:
      return locked_ = packet_[4] & 1, succeed();  // PREVENT ALLOW MEDIUM REMOVAL
    case 0x28:
    case 0xa8:
      return read(packet_number(packet_, 2, 4), blocks_to_read(packet_));
    case 0xbe: {
      // READ CD: the 2048 bytes of user data, or nothing at all; there are no raw sectors.
      constexpr std::uint8_t parts = 0xf8, user_data = 0x10;
      const std::uint8_t wanted = packet_[9] & parts;
      if ((wanted != 0 && wanted != user_data) || (packet_[10] & 7)) return check(sense_bad_field);
      return read(packet_number(packet_, 2, 4), wanted != 0 ? blocks_to_read(packet_) : 0);
    }
    case 0x2b:
      return read(packet_number(packet_, 2, 4), 0);  // SEEK (10)
    case 0x55:
      return deliver(Data::dropped, 0, packet_number(packet_, 7, 2));  // MODE SELECT (10)
    case 0xb6:
      return deliver(Data::dropped, 0, packet_number(packet_, 9, 2));  // SET STREAMING
    case 0xbb:
      return succeed();  // SET CD SPEED
    case 0x4a: {
      MmcAnswer what = mmc_answer(packet_, state());
      // An event is told once.
      if (what.sense == Sense{} && (packet_[4] & 0x10) && what.data.size() > 4) event_ = MediumEvent::none;
      return answer(std::move(what));
    }
    default:
      return answer(mmc_answer(packet_, state()));
  }
}

void CdDrive::answer(MmcAnswer what) {
  if (what.sense != Sense{}) return check(what.sense);
  answer_ = std::move(what.data);
  deliver(Data::answer, 0, answer_.size());
}

void CdDrive::request_sense() {
  if (sense_ == Sense{} && attention_ != 0) {
    sense_ = {6, attention_, 0};
    attention_ = 0;
  }
  MmcAnswer what = sense_answer(packet_, sense_);
  sense_ = {};
  answer(std::move(what));
}

void CdDrive::start_stop() {
  constexpr std::uint8_t start_bit = 1, tray_bit = 2, power_condition = 0xf0;
  const std::uint8_t what = packet_[4];
  if ((what & power_condition) || !(what & tray_bit)) return succeed();
  if (what & start_bit) {
    tray_open_ = false;
    return succeed();
  }
  if (locked_) return check(sense_not_removable);
  if (present()) event_ = MediumEvent::removed;
  medium_ = no_medium;
  tray_open_ = true;
  succeed();
}

void CdDrive::read(std::uint32_t block, std::uint32_t count) {
  if (!present()) return check(sense_no_medium);
  const std::uint64_t at = std::uint64_t{block} * cd_block_bytes, bytes = std::uint64_t{count} * cd_block_bytes;
  if (!on_disc(at, bytes)) return check(sense_out_of_range);
  deliver(Data::disc, at, bytes);
}

void CdDrive::deliver(Data data, std::uint64_t at, std::uint64_t left) {
  if (left == 0) return succeed();
  data_ = data;
  position_ = at;
  left_ = left;
  if (dma_) return wait_for_dma();
  next_block();
}

void CdDrive::next_block() {
  std::uint64_t bytes = left_;
  if (bytes > block_limit_) bytes = std::max(block_limit_ & ~1u, 2u);  // only the last block may be odd
  if (bytes == 0) return succeed();
  set_byte_count(static_cast<std::uint16_t>(bytes));
  if (data_ == Data::dropped) {
    set_count(0);
    left_ -= bytes;
    return request(bytes, true);
  }
  set_count(reason_to_host);
  fetch(buffer().first(bytes));
  offer(bytes);
}

void CdDrive::block_taken() {
  if (data_ == Data::none) {
    rest();
  } else if (next_block_at_once()) {
    return left_ != 0 ? next_block() : succeed();
  } else {
    do_later(left_ != 0 ? Step::next_block : Step::success, next_block_ns);
  }
}

void CdDrive::block_given() {
  if (step_ == Step::packet) return accept_packet();
  if (left_ != 0) return do_later(Step::next_block, next_block_ns);
  do_later(Step::success);
}

bool CdDrive::transfer(RegionWalk& walk, MutableBytes scratch) {
  while (left_ != 0) {
    const MutableBytes piece = scratch.first(std::min<std::uint64_t>(left_, scratch.size()));
    std::size_t moved = 0;
    if (data_ == Data::dropped) {
      moved = walk.read(piece);
      left_ -= moved;
    } else {
      fetch(piece);
      moved = walk.write(piece);
    }
    if (moved != piece.size()) return false;
  }
  return true;
}

void CdDrive::succeed() {
  forget();
  set_count(reason_command | reason_to_host);
  finish();
}

void CdDrive::check(const Sense& sense) {
  const Sense kept = sense;
  forget();
  sense_ = kept;
  set_count(reason_command | reason_to_host);
  fail(static_cast<std::uint8_t>(kept.key << 4 | (kept.key == 5 ? error_abort : 0)));
}

std::uint32_t CdDrive::blocks() const {
  if (!present()) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(media_[medium_]->sectors() / (cd_block_bytes / sector_bytes), 0xffff'ffff));
}

bool CdDrive::on_disc(std::uint64_t at, std::uint64_t bytes) const {
  const std::uint64_t end = std::uint64_t{blocks()} * cd_block_bytes;
  return at <= end && bytes <= end - at;
}

void CdDrive::fetch(MutableBytes out) {
  if (data_ == Data::disc) {
    read_disc(position_, out);
  } else {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = position_ + i < answer_.size() ? answer_[position_ + i] : 0;
  }
  position_ += out.size();
  left_ -= out.size();
}

void CdDrive::read_disc(std::uint64_t at, MutableBytes out) {
  if (!on_disc(at, out.size())) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return;
  }
  BlockPort& medium = *media_[medium_];
  std::array<std::uint8_t, sector_bytes> sector;
  while (!out.empty()) {
    const std::size_t inside = at % sector_bytes;
    std::size_t bytes = out.size() / sector_bytes * sector_bytes;
    if (inside == 0 && bytes != 0) {
      medium.read(at / sector_bytes, out.first(bytes));
    } else {
      // A limit on blocks may cut anywhere.
      bytes = std::min(out.size(), sector.size() - inside);
      medium.read(at / sector_bytes, sector);
      std::copy_n(sector.begin() + static_cast<std::ptrdiff_t>(inside), bytes, out.begin());
    }
    at += bytes;
    out = out.subspan(bytes);
  }
}

CdState CdDrive::state() const {
  return {.present = present(),
          .blocks = blocks(),
          .locked = locked_,
          .tray_open = tray_open_,
          .event = event_,
          .serial = serial_};
}

}  // namespace lockstitch
