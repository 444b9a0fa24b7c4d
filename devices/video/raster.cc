// See raster.h.
#include "devices/video/raster.h"

namespace lockstitch {

Raster::Raster(const VgaRegisters& vga) : mode_(vga.crtc(0x17)), underline_(vga.crtc(0x14)) {
  const unsigned overflow = vga.crtc(0x07), cell = vga.crtc(0x09), preset = vga.crtc(0x08);
  const bool text = vga.text_mode();
  columns = vga.crtc(0x01) + 1;
  lines = (vga.crtc(0x12) | (overflow & 0x02) << 7 | (overflow & 0x40) << 3) + 1;
  cell_width = text && !(vga.sequencer(1) & 0x01) ? 9 : 8;
  dot_width = vga.sequencer(1) & 0x08 ? 2 : 1;
  cell_lines = (cell & 0x1f) + 1;
  line_repeat = cell & 0x80 ? 2 : 1;
  start = (vga.crtc(0x0c) << 8 | vga.crtc(0x0d)) + (preset >> 5 & 3);
  pitch = vga.crtc(0x13) * 2;
  first_row = preset & 0x1f;
  split_after = vga.crtc(0x18) | (overflow & 0x10) << 4 | (cell & 0x40) << 3;
  // With nine dots 8 stands for none and 0 for one.
  pan = vga.attribute(0x13);
  if (cell_width == 9) {
    pan = pan >= 8 ? 0 : pan + 1;
  } else {
    pan &= 7;
  }
  pan_ends_at_split = vga.attribute(0x10) & 0x20;
}

unsigned Raster::plane_address(unsigned count, unsigned row) const {
  unsigned address;
  if (underline_ & 0x40) {
    address = count << 2 | (count >> 14 & 3);  // counts dwords
  } else if (mode_ & 0x40) {
    address = count;
  } else {
    address = count << 1 | (count >> (mode_ & 0x20 ? 15 : 13) & 1);  // counts words
  }
  // Lines of a cell lie apart, as in a CGA or a Hercules.
  if (!(mode_ & 0x01)) address = (address & ~0x2000u) | (row & 1) << 13;
  if (!(mode_ & 0x02)) address = (address & ~0x4000u) | (row >> 1 & 1) << 14;
  return address & 0xffff;
}

void RasterLine::next() {
  if (number_++ == raster_.split_after) {
    count_ = row_ = repeated_ = 0;
    below_split_ = true;
    return;
  }
  if (++repeated_ < raster_.line_repeat) return;
  repeated_ = 0;
  if (row_ + 1 == raster_.cell_lines) {
    row_ = 0;
    count_ += raster_.pitch;
  } else {
    row_ = (row_ + 1) & 0x1f;
  }
}

}  // namespace lockstitch
