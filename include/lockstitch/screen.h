// What a display shows, for people and programs that look at it from outside. Looking changes nothing: a screen is a view
// of the machine's state, so it exists in a replay and on a follower as well. Not here: who looks (vmm/world).
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace lockstitch {

/// One frame. Shape: height rows of width pixels, top row first; a pixel is 00RRGGBBh.
struct Picture {
  unsigned width = 0, height = 0;
  std::vector<std::uint32_t> pixels;
};

/// A screen in a text mode. Shape: rows of columns, top row first.
struct TextScreen {
  struct Cell {
    std::uint8_t character = ' ';  ///< code page 437
    std::uint8_t attribute = 7;    ///< background << 4 | foreground
  };
  struct Place {
    unsigned column = 0, row = 0;
  };
  unsigned columns = 0, rows = 0;
  std::vector<Cell> cells;
  std::optional<Place> cursor;  ///< nothing: hidden
};

/// Order: all between passes of the machine, on its thread.
class Screen {
 public:
  virtual ~Screen() = default;
  /// Range: up to limits::screen_max_pixels; a screen that is switched off is black, 640 by 480.
  virtual void draw(Picture& picture) const = 0;
  /// Nothing in graphics modes.
  virtual std::optional<TextScreen> text() const = 0;
};

}  // namespace lockstitch
