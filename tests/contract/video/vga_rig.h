// The display adapter on its bench and a guest that programs it through its ports.
#pragma once
#include <array>
#include <memory>

#include "devices/video/vga_function.h"
#include "lockstitch/limits.h"
#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/rig.h"
#include "tests/contract/video/vga_modes.h"
#include "tests/contract/video/video_memory.h"

namespace lockstitch::test {

/// FNV-1a over a picture.
inline std::uint64_t picture_hash(const Screen& screen) {
  Picture picture;
  screen.draw(picture);
  LS_ASSERT_CMP(picture.pixels.size(), ==, std::size_t{picture.width} * picture.height);
  LS_ASSERT(picture.pixels.size() > 0 && picture.pixels.size() <= limits::screen_max_pixels);
  std::uint64_t h = 0xcbf2'9ce4'8422'2325 ^ picture.width;
  for (std::uint32_t pixel : picture.pixels) h = (h ^ pixel) * 0x100'0000'01b3;
  return h;
}

/// The same over a text screen; 0: none.
inline std::uint64_t text_hash(const Screen& screen) {
  const auto text = screen.text();
  if (!text) return 0;
  LS_ASSERT_CMP(text->cells.size(), ==, std::size_t{text->columns} * text->rows);
  if (text->cursor) LS_ASSERT(text->cursor->column < text->columns && text->cursor->row < text->rows);
  std::uint64_t h = 0xcbf2'9ce4'8422'2325 ^ text->columns;
  for (auto cell : text->cells) h = (h ^ (cell.character << 8 | cell.attribute)) * 0x100'0000'01b3;
  return text->cursor ? h ^ (text->cursor->column << 16 | text->cursor->row) : h;
}

struct VgaRig : Rig {
  TestMap& memory_map = bench.map();
  TestMap& registers_map = bench.map();
  VideoMemory memory{VgaFunction::video_memory_bytes, memory_map};
  VgaFunction it{"vga", bench.clock, memory};
  ConfigWindow config{it};

  enum Dispi : std::uint16_t { id, width, height, depth, enable, bank, virtual_width, virtual_height, x, y, units };

  VgaRig() {
    it.attach(registers_map);
    windows = {{&it.ports(), 48, 4},
               {&it.dispi_ports(), 4, 4},
               {&it.legacy_memory(), 128 << 10},
               {&it.registers(), 4096},
               {&config, 256, 4}};
    actions = {
        [this](std::uint64_t r) {
          set_mode(*vga_modes[r % vga_modes.size()]);
          return r;
        },
        [this](std::uint64_t r) {  // a changed register within reason
          const std::uint16_t data = r >> 8 & 0xff00;
          if (r & 1) outw(0x3d4, static_cast<std::uint16_t>(data | (r >> 4 & 31)));
          if (r & 2) outw(0x3ce, static_cast<std::uint16_t>(data | (r >> 4 & 7)));
          if (r & 4) outw(0x3c4, static_cast<std::uint16_t>(data | (r >> 4 & 3)));
          if (r & 8) set_attribute(r >> 4 & 31, static_cast<std::uint8_t>(data >> 8));
          return r;
        },
        [this](std::uint64_t r) {
          constexpr std::array<std::uint16_t, 7> depths = {4, 8, 15, 16, 24, 32, 7};
          set_dispi(enable, 0);
          set_dispi(width, r >> 8 & (r & 64 ? 0xffff : 1023));
          set_dispi(height, r >> 20 & (r & 128 ? 0xffff : 511));
          set_dispi(depth, depths[r % depths.size()]);
          set_dispi(enable, (r & 32 ? 0xc1 : 0x41) | (r >> 12 & 0x20));
          set_dispi(virtual_width, r >> 24 & 0xfff);
          set_dispi(x, r >> 36 & 0x3ff);
          set_dispi(y, r >> 44 & (r & 16 ? 0xffff : 63));
          return std::uint64_t{get_dispi(width)} << 32 | get_dispi(height);
        },
        [this](std::uint64_t r) {  // the guest writes straight into the framebuffer
          std::array<std::uint8_t, 256> bytes;
          for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(r >> (i % 7 * 8));
          const std::uint64_t at = (r & 0x100 ? r >> 16 : r >> 16 & 0xffff) % (memory.contents().size() - bytes.size());
          memory.write(at, bytes);
          return at;
        },
        [this](std::uint64_t) { return picture_hash(it); },
        [this](std::uint64_t) { return text_hash(it); },
    };
  }
  Device& device() override { return it; }
  void visit(StateVisitor& v) override {
    Rig::visit(v);
    memory.visit(v);
  }

  void out(unsigned port, std::uint8_t value) { it.ports().write(port - 0x3b0, 1, value); }
  void outw(unsigned port, std::uint16_t value) { it.ports().write(port - 0x3b0, 2, value); }
  std::uint8_t in(unsigned port) { return static_cast<std::uint8_t>(it.ports().read(port - 0x3b0, 1)); }
  void set_register(unsigned port, unsigned index, std::uint8_t value) {
    outw(port, static_cast<std::uint16_t>(value << 8 | index));
  }
  std::uint8_t get_register(unsigned port, std::uint8_t index) {
    out(port, index);
    return in(port + 1);
  }
  void set_attribute(unsigned index, std::uint8_t value) {
    in(0x3da);
    out(0x3c0, static_cast<std::uint8_t>(index));
    out(0x3c0, value);
    out(0x3c0, 0x20);
  }
  void set_colour(std::uint8_t index, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
    out(0x3c8, index);
    for (std::uint8_t part : {red, green, blue}) out(0x3c9, part);
  }
  /// Entry i: i in red, 63 - i / 4 in green, 0 in blue, in 6 bits.
  void set_palette() {
    for (unsigned i = 0; i < 256; ++i)
      set_colour(static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i & 63), static_cast<std::uint8_t>(63 - i / 4),
                 0);
  }
  static std::uint32_t palette_colour(unsigned index) {
    auto wide = [](unsigned v) { return v << 2 | v >> 4; };
    return wide(index & 63) << 16 | wide(63 - index / 4) << 8;
  }
  void set_mode(const VgaMode& mode) {
    set_dispi(enable, 0);
    out(0x3c2, mode.misc);
    for (unsigned i = 0; i < mode.sequencer.size(); ++i) set_register(0x3c4, i, mode.sequencer[i]);
    set_register(0x3d4, 0x11, 0);
    for (unsigned i = 0; i < mode.crtc.size(); ++i) set_register(0x3d4, i, mode.crtc[i]);
    for (unsigned i = 0; i < mode.graphics.size(); ++i) set_register(0x3ce, i, mode.graphics[i]);
    for (unsigned i = 0; i < mode.attribute.size(); ++i) set_attribute(i, mode.attribute[i]);
  }
  void set_dispi(unsigned index, std::uint64_t value) {
    it.dispi_ports().write(0, 2, index);
    it.dispi_ports().write(1, 2, value & 0xffff);
  }
  std::uint16_t get_dispi(unsigned index) {
    it.dispi_ports().write(0, 2, index);
    return static_cast<std::uint16_t>(it.dispi_ports().read(2, 2));
  }
  void set_dispi_mode(unsigned pixels, unsigned lines, unsigned bits, std::uint64_t flags = 0x41) {
    set_dispi(enable, 0);
    set_dispi(width, pixels);
    set_dispi(height, lines);
    set_dispi(depth, bits);
    set_dispi(enable, flags);
    out(0x3c2, 1);
    in(0x3da);
    out(0x3c0, 0x20);
  }
  /// At A0000h.
  void poke(std::uint64_t offset, std::uint64_t value, unsigned bytes = 1) {
    it.legacy_memory().write(offset, bytes, value);
  }
  std::uint8_t peek(std::uint64_t offset) { return static_cast<std::uint8_t>(it.legacy_memory().read(offset, 1)); }
  std::uint8_t plane(unsigned plane, std::uint64_t address) const { return memory.contents()[4 * address + plane]; }
  Picture picture() const {
    Picture all;
    it.draw(all);
    return all;
  }
};

inline std::uint32_t pixel(const Picture& picture, unsigned x, unsigned y) {
  return picture.pixels.at(std::size_t{y} * picture.width + x);
}

}  // namespace lockstitch::test
