// See mmc_commands.h.
#include "devices/ide/mmc_commands.h"

#include <algorithm>

namespace lockstitch {
namespace {
constexpr std::string_view vendor = "LOCKSTCH", product = "CD-ROM", revision = "1.0";
/// A medium with more blocks (80 minutes) is shown as a DVD.
constexpr std::uint32_t cd_max_blocks = 360'000;
constexpr std::uint32_t kilobytes_per_second = 4'155;  // three times the basic speed of a DVD, 24 times a CD's
constexpr std::uint16_t profile_cd = 0x08, profile_dvd = 0x10;
constexpr std::uint32_t frames_per_second = 75, lead_in_frames = 150;

/// An answer in the making, most significant byte first.
class Answer {
 public:
  Answer& u8(std::uint32_t value) {
    data_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Answer& u16(std::uint32_t value) { return u8(value >> 8).u8(value); }
  Answer& u24(std::uint32_t value) { return u8(value >> 16).u16(value); }
  Answer& u32(std::uint32_t value) { return u16(value >> 16).u16(value); }
  Answer& zeros(std::size_t count) {
    data_.insert(data_.end(), count, 0);
    return *this;
  }
  Answer& text(std::string_view value, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) u8(i < value.size() ? static_cast<unsigned char>(value[i]) : ' ');
    return *this;
  }
  std::size_t size() const { return data_.size(); }
  /// Writes the number of bytes that follow the length field. Range: width 1, 2 or 4.
  Answer& length(std::size_t offset, unsigned width) {
    const std::size_t value = data_.size() - offset - width;
    for (unsigned i = 0; i < width; ++i) data_[offset + i] = static_cast<std::uint8_t>(value >> (8 * (width - 1 - i)));
    return *this;
  }
  MmcAnswer cut(std::size_t allowed) {
    if (data_.size() > allowed) data_.resize(allowed);
    return {{}, std::move(data_)};
  }

 private:
  std::vector<std::uint8_t> data_;
};

MmcAnswer failed(const Sense& sense) { return {sense, {}}; }

std::uint16_t profile_of(const CdState& drive) {
  if (!drive.present) return 0;
  return drive.blocks > cd_max_blocks ? profile_dvd : profile_cd;
}

MmcAnswer inquiry(const Packet& packet, const CdState& drive) {
  const std::size_t allowed = packet_number(packet, 3, 2);
  Answer a;
  if (packet[1] & 1) {
    a.u8(5).u8(packet[2]).u16(0);
    if (packet[2] == 0x00) {
      a.u8(0x00).u8(0x80);
    } else if (packet[2] == 0x80) {
      a.text(drive.serial, drive.serial.size());
    } else {
      return failed(sense_bad_field);
    }
    return a.length(2, 2).cut(allowed);
  }
  if (packet[2] != 0) return failed(sense_bad_field);
  a.u8(0x05).u8(0x80).u8(0).u8(0x21).u8(31).zeros(3);
  return a.text(vendor, 8).text(product, 16).text(revision, 4).cut(allowed);
}

void put_address(Answer& a, std::uint32_t block, bool as_time) {
  if (!as_time) {
    a.u32(block);
    return;
  }
  const std::uint32_t frames = block + lead_in_frames, seconds = frames / frames_per_second;
  a.u8(0).u8(std::min(seconds / 60, 255u)).u8(seconds % 60).u8(frames % frames_per_second);
}

MmcAnswer read_toc(const Packet& packet, const CdState& drive) {
  if (!drive.present) return failed(sense_no_medium);
  const bool as_time = packet[1] & 2;
  const std::uint8_t first = packet[6];
  // Old drivers put the format into the control byte.
  const unsigned format = (packet[2] & 0x0f) != 0 ? packet[2] & 0x0f : packet[9] >> 6;
  constexpr std::uint8_t data_track = 0x14, lead_out = 0xaa;
  Answer a;
  a.u16(0).u8(1).u8(1);
  switch (format) {
    case 0:
      if (first > 1 && first != lead_out) return failed(sense_bad_field);
      if (first <= 1) put_address(a.u8(0).u8(data_track).u8(1).u8(0), 0, as_time);
      put_address(a.u8(0).u8(data_track).u8(lead_out).u8(0), drive.blocks, as_time);
      break;
    case 1:
      put_address(a.u8(0).u8(data_track).u8(1).u8(0), 0, as_time);
      break;
    case 2:
      if (first > 1) return failed(sense_bad_field);
      for (const std::uint8_t point : {0xa0, 0xa1, 0xa2, 0x01}) {
        a.u8(1).u8(data_track).u8(0).u8(point).zeros(3);
        if (point == 0xa0 || point == 0xa1) {
          a.u8(0).u8(1).u16(0);
        } else {
          put_address(a, point == 0x01 ? 0 : drive.blocks, true);
        }
      }
      break;
    default:
      return failed(sense_bad_field);
  }
  return a.length(0, 2).cut(packet_number(packet, 7, 2));
}

struct Feature {
  std::uint16_t code;
  std::uint8_t flags;  ///< version << 2 | persistent << 1 | current
  std::vector<std::uint8_t> data;
};

MmcAnswer get_configuration(const Packet& packet, const CdState& drive) {
  const unsigned which = packet[1] & 3, start = packet_number(packet, 2, 2);
  if (which == 3) return failed(sense_bad_field);
  const std::uint16_t profile = profile_of(drive);
  const bool cd = profile == profile_cd, dvd = profile == profile_dvd;
  constexpr std::uint8_t always = 0x03;
  const auto when = [](bool current) { return static_cast<std::uint8_t>(current); };
  const std::vector<Feature> features = {
      {0x0000, always, {0, profile_dvd, dvd, 0, 0, profile_cd, cd, 0}},  // profiles
      {0x0001, always | 2 << 2, {0, 0, 0, 2, 1, 0, 0, 0}},               // core: ATAPI, with DBEvent
      {0x0002, always | 1 << 2, {2, 0, 0, 0}},                           // morphing: by events
      {0x0003, always | 1 << 2, {0x29, 0, 0, 0}},                        // removable: tray, ejects, locks
      {0x0010, when(cd || dvd), {0, 0, cd_block_bytes >> 8, 0, 0, 1, 1, 0}},
      {0x001e, static_cast<std::uint8_t>(when(cd) | 2 << 2), {0, 0, 0, 0}},
      {0x001f, when(dvd), {}},
      {0x0100, always, {}},
      {0x0105, always, {}},
  };
  Answer a;
  a.u32(0).u16(0).u16(profile);
  for (const Feature& feature : features) {
    if (which == 2 ? feature.code != start : feature.code < start) continue;
    if (which == 1 && !(feature.flags & 1)) continue;
    a.u16(feature.code).u8(feature.flags).u8(static_cast<std::uint32_t>(feature.data.size()));
    for (std::uint8_t byte : feature.data) a.u8(byte);
  }
  return a.length(0, 4).cut(packet_number(packet, 7, 2));
}

MmcAnswer get_event_status(const Packet& packet, const CdState& drive) {
  constexpr std::uint8_t media_class = 4, supported = 1 << media_class, no_such_class = 0x80;
  if (!(packet[1] & 1)) return failed(sense_bad_field);  // only asked, never by itself
  Answer a;
  a.u16(0);
  if (packet[4] & supported) {
    a.u8(media_class).u8(supported).u8(static_cast<std::uint8_t>(drive.event));
    a.u8(std::uint32_t{drive.present} << 1 | drive.tray_open).u16(0);
  } else {
    a.u8(no_such_class).u8(supported);
  }
  return a.length(0, 2).cut(packet_number(packet, 7, 2));
}

MmcAnswer mode_sense(const Packet& packet, const CdState& drive) {
  const unsigned control = packet[2] >> 6, page = packet[2] & 0x3f;
  if (control == 3) return failed(sense_not_saved);
  Answer a;
  a.u16(0).u8(!drive.present ? 0x70 : profile_of(drive) == profile_cd ? 0x01 : 0x41).zeros(5);
  struct ModePage {
    std::uint8_t code;
    std::vector<std::uint8_t> body;
  };
  const std::uint8_t speed_high = kilobytes_per_second >> 8, speed_low = kilobytes_per_second & 0xff;
  const std::uint8_t lock = static_cast<std::uint8_t>(0x29 | (drive.locked ? 2 : 0));
  const std::vector<ModePage> pages = {
      {0x01, {0, 5, 0, 0, 0, 0}},       // read errors: 5 retries
      {0x0d, {0, 0x0d, 0, 60, 0, 75}},  // seconds per minute, frames per second
      {0x0e, {4, 0, 0, 0, 0, 75, 0, 0, 0, 0, 0, 0, 0, 0}},
      {0x2a, {0x3b, 0, 0x70, 0, lock, 0, speed_high, speed_low, 0, 2, 2, 0, speed_high, speed_low, 0, 0, 0, 0, 0, 0}},
  };
  bool found = false;
  for (const ModePage& each : pages) {
    if (page != 0x3f && page != each.code) continue;
    found = true;
    a.u8(each.code).u8(static_cast<std::uint32_t>(each.body.size()));
    // Changeable values: none.
    for (std::uint8_t byte : each.body) a.u8(control == 1 ? 0 : byte);
  }
  if (!found) return failed(sense_bad_field);
  return a.length(0, 2).cut(packet_number(packet, 7, 2));
}

MmcAnswer read_disc_information(const Packet& packet, const CdState& drive) {
  if (!drive.present) return failed(sense_no_medium);
  if (packet[1] & 7) return failed(sense_bad_field);
  Answer a;
  a.u16(0).u8(0x0e).u8(1).u8(1).u8(1).u8(1).u8(0x20).zeros(8);  // complete; one session with one track; for any use
  a.u32(0xffff'ffff).u32(0xffff'ffff).zeros(10);                // no lead-in or lead-out to write
  return a.length(0, 2).cut(packet_number(packet, 7, 2));
}

MmcAnswer read_track_information(const Packet& packet, const CdState& drive) {
  if (!drive.present) return failed(sense_no_medium);
  const std::uint32_t address = packet_number(packet, 2, 4);
  switch (packet[1] & 3) {
    case 0:
      if (address >= drive.blocks) return failed(sense_out_of_range);
      break;
    case 1:
    case 2:
      if (address != 1) return failed(sense_bad_field);
      break;
    default:
      return failed(sense_bad_field);
  }
  Answer a;
  a.u16(0).u8(1).u8(1).u8(0).u8(4).u8(1).u8(0);
  a.u32(0).u32(0).u32(0).u32(0).u32(drive.blocks).u32(drive.blocks != 0 ? drive.blocks - 1 : 0).zeros(4);
  return a.length(0, 2).cut(packet_number(packet, 7, 2));
}

MmcAnswer read_dvd_structure(const Packet& packet, const CdState& drive) {
  if (!drive.present) return failed(sense_no_medium);
  if (packet[1] & 0x0f) return failed(sense_bad_field);
  if (profile_of(drive) != profile_dvd) return failed(sense_wrong_medium);
  constexpr std::uint32_t first_sector = 0x3'0000;
  Answer a;
  a.u32(0);
  switch (packet[7]) {
    case 0:  // physical: DVD-ROM, one layer of 120 mm
      if (packet[6] != 0) return failed(sense_bad_field);
      a.u8(0x01).u8(0x0f).u8(0x01).u8(0).u32(first_sector).u32(first_sector + drive.blocks - 1).zeros(2036);
      break;
    case 1:
      a.zeros(4);
      break;  // copyright: none
    default:
      return failed(sense_bad_field);
  }
  return a.length(0, 2).cut(packet_number(packet, 8, 2));
}

MmcAnswer get_performance(const Packet& packet, const CdState& drive) {
  if (packet[10] != 0) return failed(sense_bad_field);
  Answer a;
  a.u32(0).u32(0);
  // Nominal reading speed; there are no exceptions and no writing.
  if (drive.present && !(packet[1] & 7) && packet_number(packet, 8, 2) != 0)
    a.u32(0).u32(kilobytes_per_second).u32(drive.blocks != 0 ? drive.blocks - 1 : 0).u32(kilobytes_per_second);
  return a.length(0, 4).cut(mmc_answer_max_bytes);
}
}  // namespace

bool mmc_always_works(std::uint8_t code) {
  // INQUIRY, REQUEST SENSE, GET CONFIGURATION, GET EVENT STATUS NOTIFICATION
  return code == 0x12 || code == 0x03 || code == 0x46 || code == 0x4a;
}

MmcAnswer sense_answer(const Packet& packet, const Sense& sense) {
  Answer a;
  a.u8(0x70).u8(0).u8(sense.key).u32(0).u8(10).u32(0).u8(sense.code).u8(sense.qualifier).zeros(4);
  return a.cut(packet[4]);
}

MmcAnswer mmc_answer(const Packet& packet, const CdState& drive) {
  switch (packet[0]) {
    case 0x12:
      return inquiry(packet, drive);
    case 0x25:
      if (!drive.present) return failed(sense_no_medium);
      return Answer().u32(drive.blocks != 0 ? drive.blocks - 1 : 0).u32(cd_block_bytes).cut(8);
    case 0x43:
      return read_toc(packet, drive);
    case 0x46:
      return get_configuration(packet, drive);
    case 0x4a:
      return get_event_status(packet, drive);
    case 0x51:
      return read_disc_information(packet, drive);
    case 0x52:
      return read_track_information(packet, drive);
    case 0x5a:
      return mode_sense(packet, drive);
    case 0x5c:
      return Answer().u16(10).zeros(10).cut(packet_number(packet, 7, 2));  // no buffer for writing
    case 0xac:
      return get_performance(packet, drive);
    case 0xad:
      return read_dvd_structure(packet, drive);
    case 0xbd:
      return Answer().zeros(5).u8(1).u16(0).cut(packet_number(packet, 8, 2));  // one slot, idle
    default:
      return failed(sense_unknown_command);
  }
}

}  // namespace lockstitch
