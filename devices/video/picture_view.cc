// See picture_view.h.
#include "devices/video/picture_view.h"

#include <algorithm>
#include <array>

#include "devices/video/raster.h"
#include "devices/video/text_view.h"
#include "lockstitch/limits.h"

namespace lockstitch {
namespace {
using Palette = std::array<std::uint32_t, 256>;

Palette direct_palette(const VgaRegisters& vga) {
  Palette palette;
  for (unsigned i = 0; i < palette.size(); ++i) palette[i] = vga.dac().colour(static_cast<std::uint8_t>(i));
  return palette;
}

/// Four bits of a pixel pass the attribute controller; only the first 16 entries count.
Palette attribute_palette(const VgaRegisters& vga) {
  Palette palette{};
  const unsigned select = vga.attribute(0x14);
  for (unsigned i = 0; i < 16; ++i) {
    unsigned index = vga.attribute(i & vga.attribute(0x12) & 0x0f);
    if (vga.attribute(0x10) & 0x80) index = (index & 0x0f) | (select & 3) << 4;
    palette[i] = vga.dac().colour(static_cast<std::uint8_t>((index & 0x3f) | (select & 0x0c) << 4));
  }
  return palette;
}

/// Range: up to four bytes of `plane_bytes` count.
void planar_dots(Bytes plane_bytes, std::uint8_t* out) {
  for (unsigned dot = 0; dot < 8; ++dot) {
    unsigned pixel = 0;
    for (unsigned p = 0; p < 4; ++p) pixel |= (plane_bytes[p] >> (7 - dot) & 1u) << p;
    out[dot] = static_cast<std::uint8_t>(pixel);
  }
}

/// Two bits of a pixel are neighbours in planes 0 and 1, two more in planes 2 and 3; plane 0 and 2 come first.
void interleaved_dots(Bytes plane_bytes, std::uint8_t* out) {
  for (unsigned dot = 0; dot < 8; ++dot) {
    const unsigned plane = dot / 4, shift = 6 - dot % 4 * 2;
    out[dot] =
        static_cast<std::uint8_t>((plane_bytes[plane] >> shift & 3) | (plane_bytes[plane + 2] >> shift & 3) << 2);
  }
}

/// A byte from each plane in turn, two dots wide.
void byte_dots(Bytes plane_bytes, std::uint8_t* out) {
  for (unsigned dot = 0; dot < 8; ++dot) out[dot] = plane_bytes[dot / 2];
}

void size_picture(Picture& picture, unsigned width, unsigned height) {
  picture.width = width;
  picture.height = static_cast<unsigned>(std::min<std::uint64_t>(height, limits::screen_max_pixels / width));
  picture.pixels.assign(std::size_t{picture.width} * picture.height, 0);
}

/// Dots of one line, one column of them more than is shown, to the picture.
class LineWriter {
 public:
  LineWriter(const Raster& raster, Picture& picture, const Palette& palette)
      : raster_(raster), picture_(picture), palette_(palette), dots_((raster.columns + 1) * raster.cell_width) {}
  std::uint8_t* column(unsigned column) { return dots_.data() + column * raster_.cell_width; }
  void write(const RasterLine& line) {
    std::uint32_t* out = picture_.pixels.data() + std::size_t{line.number()} * picture_.width;
    const std::uint8_t* dots = dots_.data() + line.pan();
    for (unsigned x = 0; x < picture_.width; ++x) out[x] = palette_[dots[x / raster_.dot_width]];
  }

 private:
  const Raster& raster_;
  Picture& picture_;
  const Palette& palette_;
  std::vector<std::uint8_t> dots_;
};

void draw_text(const VgaRegisters& vga, const Raster& raster, Bytes memory, Picture& picture) {
  const Palette palette = attribute_palette(vga);
  LineWriter writer(raster, picture, palette);
  const TextCursor cursor(vga);
  const unsigned maps = vga.sequencer(3), mode = vga.attribute(0x10);
  auto font_at = [](unsigned map) { return (map & 3) << 14 | (map & 4) << 11; };
  const unsigned font[2] = {font_at((maps & 3) | (maps >> 2 & 4)), font_at((maps >> 2 & 3) | (maps >> 3 & 4))};
  const bool monochrome = mode & 0x02, joined = mode & 0x04;
  for (RasterLine line(raster); line.number() < picture.height; line.next()) {
    for (unsigned column = 0; column <= raster.columns; ++column) {
      const unsigned count = line.count() + column;
      const Bytes cell = memory.subspan(4 * raster.plane_address(count, 0), 2);
      const std::uint8_t attribute = shown_attribute(vga, cell[1]);
      const unsigned bright = attribute >> 3 & 1;
      unsigned glyph = memory[4 * (font[bright] + cell[0] * 32 + line.row()) + 2];
      // The ninth dot joins the box drawing characters.
      glyph = glyph << 1 | (joined && cell[0] >= 0xc0 && cell[0] <= 0xdf ? glyph & 1 : 0);
      if (monochrome && (attribute & 0x77) == 1 && line.row() == (vga.crtc(0x14) & 0x1f)) glyph = 0x1ff;
      if (cursor.at(count) && line.row() >= cursor.first_row && line.row() <= cursor.last_row) glyph = 0x1ff;
      std::uint8_t* out = writer.column(column);
      for (unsigned dot = 0; dot < raster.cell_width; ++dot)
        out[dot] = glyph >> (8 - dot) & 1 ? attribute & 0x0f : attribute >> 4;
    }
    writer.write(line);
  }
}

void draw_graphics(const VgaRegisters& vga, const Raster& raster, Bytes memory, Picture& picture) {
  const bool bytes = vga.graphics(5) & 0x40, interleaved = vga.graphics(5) & 0x20;
  const Palette palette = bytes ? direct_palette(vga) : attribute_palette(vga);
  const auto dots = bytes ? byte_dots : interleaved ? interleaved_dots : planar_dots;
  LineWriter writer(raster, picture, palette);
  for (RasterLine line(raster); line.number() < picture.height; line.next()) {
    for (unsigned column = 0; column <= raster.columns; ++column)
      dots(memory.subspan(4 * raster.plane_address(line.count() + column, line.row()), 4), writer.column(column));
    writer.write(line);
  }
}

std::uint32_t wider(unsigned value, unsigned bits) {
  return static_cast<std::uint32_t>(value << (8 - bits) | value >> (2 * bits - 8));
}

/// Range: `in` has the bytes of out.size() pixels.
void convert_row(const Dispi::Mode& mode, const Palette& palette, Bytes in, std::span<std::uint32_t> out) {
  for (std::size_t x = 0; x < out.size(); ++x) {
    switch (mode.depth) {
      case 8:
        out[x] = palette[in[x]];
        break;
      case 15:
      case 16: {
        const unsigned pixel = in[2 * x] | in[2 * x + 1] << 8, greens = mode.depth - 10;
        out[x] = wider(pixel >> (5 + greens) & 31, 5) << 16 | wider(pixel >> 5 & ((1u << greens) - 1), greens) << 8 |
                 wider(pixel & 31, 5);
        break;
      }
      default: {
        const std::size_t at = x * mode.depth / 8;
        out[x] = in[at] | std::uint32_t{in[at + 1]} << 8 | std::uint32_t{in[at + 2]} << 16;
      }
    }
  }
}

void draw_linear(const VgaRegisters& vga, const Dispi::Mode& mode, Bytes memory, Picture& picture) {
  const Palette palette = direct_palette(vga);
  const std::uint64_t pixel_bytes = (mode.depth + 7) / 8;
  for (unsigned y = 0; y < picture.height; ++y) {
    const std::uint64_t at = mode.start + std::uint64_t{y} * mode.pitch;
    if (at >= memory.size()) break;
    const std::size_t pixels = std::min<std::size_t>(picture.width, (memory.size() - at) / pixel_bytes);
    convert_row(mode, palette, memory.subspan(at),
                std::span(picture.pixels).subspan(std::size_t{y} * picture.width, pixels));
  }
}

void draw_planar(const VgaRegisters& vga, const Dispi::Mode& mode, Bytes memory, Picture& picture) {
  const Palette palette = attribute_palette(vga);
  std::array<std::uint8_t, 8> dots{};
  for (unsigned y = 0; y < picture.height; ++y) {
    std::uint64_t at = mode.start + std::uint64_t{y} * mode.pitch;
    for (unsigned x = 0; x < picture.width; ++x) {
      const unsigned dot = (x + mode.pixel) % 8;
      if (x == 0 || dot == 0) {
        if (at + 4 > memory.size()) break;
        planar_dots(memory.subspan(at, 4), dots.data());
        at += 4;
      }
      picture.pixels[std::size_t{y} * picture.width + x] = palette[dots[dot]];
    }
  }
}
}  // namespace

void draw_black(Picture& picture) { size_picture(picture, 640, 480); }

void draw_picture(const VgaRegisters& vga, const Dispi& dispi, Bytes memory, Picture& picture) {
  if (dispi.enabled()) {
    const Dispi::Mode mode = dispi.mode();
    size_picture(picture, mode.width, mode.height);
    return mode.depth == 4 ? draw_planar(vga, mode, memory, picture) : draw_linear(vga, mode, memory, picture);
  }
  const Raster raster(vga);
  size_picture(picture, raster.columns * raster.cell_width * raster.dot_width, raster.lines);
  vga.text_mode() ? draw_text(vga, raster, memory, picture) : draw_graphics(vga, raster, memory, picture);
}

}  // namespace lockstitch
