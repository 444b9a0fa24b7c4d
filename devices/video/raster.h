// How the CRT controller of a VGA walks video memory: how many lines and columns a frame has and which address each
// line begins with. Not here: dispi modes, and how bytes become pixels (picture_view.h) or characters (text_view.h).
// Source: IBM VGA technical reference.
#pragma once
#include <cstdint>

#include "devices/video/vga_registers.h"

namespace lockstitch {

/// The frame that the registers describe. Not followed: count by two or four, interlace, skew.
struct Raster {
  explicit Raster(const VgaRegisters& vga);

  unsigned columns;       ///< Range: 1..256, characters
  unsigned lines;         ///< Range: 1..1024
  unsigned cell_width;    ///< 8 or 9 dots
  unsigned dot_width;     ///< 2: the dot clock is halved
  unsigned cell_lines;    ///< Range: 1..32, without repetition
  unsigned line_repeat;   ///< 2: double scan
  unsigned start, pitch;  ///< Unit: addresses as the controller counts
  unsigned first_row;     ///< Range: 0..31, of the first cell
  unsigned split_after;   ///< the line after which memory begins anew at address 0
  unsigned pan;           ///< Range: 0..8, dots that leave on the left
  bool pan_ends_at_split;

  /// What the controller's count is as an address in a plane. Range: of the result: 64 KiB.
  unsigned plane_address(unsigned count, unsigned row) const;

 private:
  unsigned mode_, underline_;
};

/// The lines of a frame, top down.
class RasterLine {
 public:
  explicit RasterLine(const Raster& raster) : raster_(raster), count_(raster.start), row_(raster.first_row) {}
  unsigned number() const { return number_; }
  /// The address of the first column, as the controller counts, and the line within its cell.
  unsigned count() const { return count_; }
  unsigned row() const { return row_; }
  bool begins_cell() const { return number_ == 0 || (row_ == 0 && repeated_ == 0); }
  unsigned pan() const { return below_split_ && raster_.pan_ends_at_split ? 0 : raster_.pan; }
  void next();

 private:
  const Raster& raster_;
  unsigned number_ = 0, count_, row_, repeated_ = 0;
  bool below_split_ = false;
};

}  // namespace lockstitch
