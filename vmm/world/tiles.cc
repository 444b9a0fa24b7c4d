// See tiles.h.
#include "vmm/world/tiles.h"

#include <algorithm>
#include <cstring>

namespace lockstitch::world {

namespace {

bool equal(const Picture& before, const Picture& after, const Rectangle& part) {
  const std::size_t bytes = (part.right - part.left) * sizeof(std::uint32_t);
  for (unsigned row = part.top; row < part.bottom; ++row) {
    const std::size_t at = std::size_t{row} * after.width + part.left;
    if (std::memcmp(&before.pixels[at], &after.pixels[at], bytes) != 0) return false;
  }
  return true;
}

}  // namespace

std::vector<Rectangle> changed_parts(const Picture& before, const Picture& after) {
  std::vector<Rectangle> parts;
  if (after.width == 0 || after.height == 0) return parts;
  if (before.width != after.width || before.height != after.height) return {{0, 0, after.width, after.height}};
  for (unsigned top = 0; top < after.height; top += tile_pixels) {
    bool joins = false;
    for (unsigned left = 0; left < after.width; left += tile_pixels) {
      const Rectangle tile{left, top, std::min(left + tile_pixels, after.width),
                           std::min(top + tile_pixels, after.height)};
      if (equal(before, after, tile)) {
        joins = false;
      } else if (joins) {
        parts.back().right = tile.right;
      } else {
        parts.push_back(tile);
        joins = true;
      }
    }
  }
  return parts;
}

}  // namespace lockstitch::world
