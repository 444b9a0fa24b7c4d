// See ata_identity.h.
#include "devices/ide/ata_identity.h"

#include <algorithm>
#include <array>

namespace lockstitch {
namespace {
constexpr std::string_view firmware = "1.0", disk_model = "Lockstitch disk", cd_model = "Lockstitch CD-ROM";
constexpr std::uint16_t multiple_max = 16;

class Words {
 public:
  std::uint16_t& operator[](unsigned index) { return words_[index]; }
  /// The first character of each word is its high byte; the rest is spaces.
  void text(unsigned first, unsigned count, std::string_view value) {
    for (unsigned i = 0; i < count; ++i) {
      const auto letter = [&](std::size_t at) {
        return static_cast<std::uint8_t>(at < value.size() ? value[at] : ' ');
      };
      words_[first + i] = static_cast<std::uint16_t>(letter(2 * i) << 8 | letter(2 * i + 1));
    }
  }
  void number(unsigned first, unsigned count, std::uint64_t value) {
    for (unsigned i = 0; i < count; ++i) words_[first + i] = static_cast<std::uint16_t>(value >> (16 * i));
  }
  /// Word 255 makes the sum of all bytes zero.
  void seal() {
    words_[255] = 0xa5;
    unsigned sum = 0;
    for (std::uint16_t word : words_) sum += (word & 0xff) + (word >> 8);
    words_[255] = static_cast<std::uint16_t>(0xa5 | ((0x100 - (sum & 0xff)) & 0xff) << 8);
  }
  void copy_to(MutableBytes out) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      out[2 * i] = static_cast<std::uint8_t>(words_[i]);
      out[2 * i + 1] = static_cast<std::uint8_t>(words_[i] >> 8);
    }
  }

 private:
  std::array<std::uint16_t, identity_bytes / 2> words_{};
};

/// The words on transfer modes, which both kinds of drive share.
void describe_modes(Words& w, TransferMode mode) {
  const unsigned kind = mode.value >> 3, chosen = 0x100u << (mode.value & 7);
  w[53] = 0x0007;
  w[62] = 0x0007;
  w[63] = static_cast<std::uint16_t>(0x0007 | (kind == 4 ? chosen : 0));
  w[64] = 0x0003;
  for (unsigned i = 65; i <= 68; ++i) w[i] = 120;
  w[80] = 0x00f0;
  w[81] = 0x0016;
  w[88] = static_cast<std::uint16_t>(0x003f | (kind == 8 ? chosen : 0));
  w[93] = 0x6001;
}
}  // namespace

void describe_disk(const DiskIdentity& disk, MutableBytes out) {
  Words w;
  w[0] = 0x0040;
  w[1] = disk.cylinders;
  w[3] = disk.heads;
  w[6] = disk.track_sectors;
  w.text(10, 10, disk.serial);
  w.number(20, 3, 0x0004'0200'0003);
  w.text(23, 4, firmware);
  w.text(27, 20, disk_model);
  w[47] = 0x8000 | multiple_max;
  w[48] = 1;
  w[49] = 0x0f00;
  w[50] = 0x4000;
  w[51] = w[52] = 0x0200;
  const std::uint32_t track = std::uint32_t{disk.current_heads} * disk.current_track_sectors;
  if (track != 0) {
    const std::uint64_t cylinders = std::min<std::uint64_t>(disk.sectors / track, 0xffff);
    w[54] = static_cast<std::uint16_t>(cylinders);
    w[55] = disk.current_heads;
    w[56] = disk.current_track_sectors;
    w.number(57, 2, cylinders * track);
  }
  if (disk.multiple != 0) w[59] = 0x0100 | disk.multiple;
  w.number(60, 2, std::min<std::uint64_t>(disk.sectors, 0x0fff'ffff));
  describe_modes(w, disk.mode);
  const std::uint16_t caches = (disk.write_cache ? 0x20 : 0) | (disk.look_ahead ? 0x40 : 0);
  w[82] = 0x4068;  // NOP, look-ahead, write cache, power management
  w[83] = 0x7400;  // FLUSH CACHE EXT, FLUSH CACHE, 48 bits
  w[84] = 0x4000;
  w[85] = 0x4008 | caches;
  w[86] = 0x3400;
  w[87] = 0x4000;
  w.number(100, 4, std::min<std::uint64_t>(disk.sectors, 0xffff'ffff'ffff));
  w[106] = 0x4000;
  w[209] = 0x4000;
  w.seal();
  w.copy_to(out);
}

void describe_cd(TransferMode mode, std::string_view serial, MutableBytes out) {
  Words w;
  w[0] = 0x85c0;  // packet device, CD, removable, data request within 50 us, 12-byte packets
  w.text(10, 10, serial);
  w.text(23, 4, firmware);
  w.text(27, 20, cd_model);
  w[49] = 0x0300;
  describe_modes(w, mode);
  w[82] = 0x4218;  // NOP, DEVICE RESET, packet, power management
  w[83] = w[84] = 0x4000;
  w[85] = 0x4218;
  w[87] = 0x4000;
  w.seal();
  w.copy_to(out);
}

}  // namespace lockstitch
