// See text_view.h.
#include "devices/video/text_view.h"

#include "devices/video/raster.h"

namespace lockstitch {

TextScreen text_view(const VgaRegisters& vga, Bytes memory) {
  const Raster raster(vga);
  const TextCursor cursor(vga);
  const unsigned cell_lines = raster.cell_lines * raster.line_repeat;
  TextScreen screen;
  screen.columns = raster.columns;
  for (RasterLine line(raster); line.number() < raster.lines; line.next()) {
    if (!line.begins_cell()) continue;
    if (raster.lines - line.number() < cell_lines && screen.rows != 0) break;  // cut off by the end of the frame
    for (unsigned column = 0; column < raster.columns; ++column) {
      const unsigned count = line.count() + column;
      const Bytes cell = memory.subspan(4 * raster.plane_address(count, 0), 2);
      if (cursor.at(count) && !screen.cursor) screen.cursor = TextScreen::Place{column, screen.rows};
      screen.cells.push_back({cell[0], shown_attribute(vga, cell[1])});
    }
    ++screen.rows;
  }
  return screen;
}

}  // namespace lockstitch
