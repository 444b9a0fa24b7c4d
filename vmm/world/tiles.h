// Which parts of a picture changed, in tiles. Not here: who is told.
#pragma once
#include <vector>

#include "lockstitch/screen.h"

namespace lockstitch::world {

/// Unit: pixels, of each side of a tile.
inline constexpr unsigned tile_pixels = 64;

/// Columns from left on and before right, rows from top on and before bottom.
struct Rectangle {
  unsigned left = 0, top = 0, right = 0, bottom = 0;
  friend bool operator==(const Rectangle&, const Rectangle&) = default;
};

/// Tiles that differ, those next to each other in a row of tiles as one rectangle. All of `after` if the sizes differ.
std::vector<Rectangle> changed_parts(const Picture& before, const Picture& after);

}  // namespace lockstitch::world
