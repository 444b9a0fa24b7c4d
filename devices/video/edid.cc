// See edid.h.
#include "devices/video/edid.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace lockstitch {
namespace {
constexpr unsigned width_mm = 260, height_mm = 195;

/// Range: three capital letters.
constexpr unsigned manufacturer(std::string_view id) {
  return (id[0] - 'A' + 1u) << 10 | (id[1] - 'A' + 1u) << 5 | (id[2] - 'A' + 1u);
}

struct Timing {
  unsigned clock_10khz;
  unsigned shown, blank, sync_after, sync;  ///< horizontally, in pixels
  unsigned lines, blank_lines, sync_after_lines, sync_lines;
};
constexpr Timing preferred = {6500, 1024, 320, 24, 136, 768, 38, 3, 6};  // 60 Hz

constexpr std::uint8_t low(unsigned value) { return static_cast<std::uint8_t>(value); }
}  // namespace

std::array<std::uint8_t, 128> edid() {
  std::array<std::uint8_t, 128> block{};
  auto put = [&block](unsigned at, std::initializer_list<unsigned> bytes) {
    for (unsigned byte : bytes) block[at++] = low(byte);
  };
  auto put_text = [&block](unsigned at, std::string_view text) {
    std::fill_n(block.begin() + at, 13, std::uint8_t{' '});
    std::copy(text.begin(), text.end(), block.begin() + at);
    block[at + text.size()] = '\n';
  };
  put(0x00, {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00});
  put(0x08, {manufacturer("LKS") >> 8, manufacturer("LKS"), 0x11, 0x11, 1, 0, 0, 0});
  put(0x10, {1, 2020 - 1990, 1, 4});
  put(0x14, {0xa5, width_mm / 10, height_mm / 10, 2 * 100 + 20 - 100, 0x06});  // digital, 8 bits; gamma 2.2; sRGB
  put(0x19, {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54});     // the colours of sRGB
  put(0x23, {0x21, 0x08, 0x00});  // 640x480, 800x600, 1024x768, all at 60 Hz
  // 1280x720, 1280x800, 1280x1024, 1440x900, 1600x1200, 1680x1050, 1920x1080, 1920x1200 at 60 Hz
  put(0x26, {0x81, 0xc0, 0x81, 0x00, 0x81, 0x80, 0x95, 0x00, 0xa9, 0x40, 0xb3, 0x00, 0xd1, 0xc0, 0xd1, 0x00});

  const Timing& t = preferred;
  put(0x36, {t.clock_10khz, t.clock_10khz >> 8, t.shown, t.blank, t.shown >> 8 << 4 | t.blank >> 8});
  put(0x3b, {t.lines, t.blank_lines, t.lines >> 8 << 4 | t.blank_lines >> 8});
  put(0x3e, {t.sync_after, t.sync, t.sync_after_lines << 4 | t.sync_lines, 0});
  put(0x42, {width_mm, height_mm, width_mm >> 8 << 4 | height_mm >> 8, 0, 0, 0x18});
  put(0x48, {0, 0, 0, 0xfd, 0, 50, 125, 30, 160, 300 / 10, 1, '\n', ' ', ' ', ' ', ' ', ' ', ' '});
  put(0x5a, {0, 0, 0, 0xfc, 0});
  put_text(0x5f, "Lockstitch");
  put(0x6c, {0, 0, 0, 0x10, 0});

  unsigned sum = 0;
  for (unsigned byte : block) sum += byte;
  block[0x7f] = low(0u - sum);
  return block;
}

}  // namespace lockstitch
