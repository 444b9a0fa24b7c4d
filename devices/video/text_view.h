// The characters that a VGA in a text mode shows. Not here: their pixels (picture_view.h).
#pragma once
#include <optional>

#include "devices/video/vga_registers.h"
#include "lockstitch/screen.h"
#include "lockstitch/types.h"

namespace lockstitch {

/// The cursor of the CRT controller. It does not blink: a picture depends on registers and memory alone.
struct TextCursor {
  explicit TextCursor(const VgaRegisters& vga)
      : count((vga.crtc(0x0e) << 8 | vga.crtc(0x0f)) & 0xffff),
        first_row(vga.crtc(0x0a) & 0x1f),
        last_row(vga.crtc(0x0b) & 0x1f),
        visible(!(vga.crtc(0x0a) & 0x20) && first_row <= last_row) {}
  bool at(unsigned cell_count) const { return visible && (cell_count & 0xffff) == count; }

  unsigned count;  ///< the cell's address as the CRT controller counts
  unsigned first_row, last_row;
  bool visible;
};

/// What a cell's attribute means. A blinking character is shown lit.
inline std::uint8_t shown_attribute(const VgaRegisters& vga, std::uint8_t attribute) {
  return vga.attribute(0x10) & 0x08 ? attribute & 0x7f : attribute;
}

/// Range: a text mode that is shown. Precondition: video memory holds at least the 256 KiB of a VGA.
TextScreen text_view(const VgaRegisters& vga, Bytes memory);

}  // namespace lockstitch
