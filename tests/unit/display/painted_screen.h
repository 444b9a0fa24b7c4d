// A screen that shows what a test wants.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "lockstitch/screen.h"

namespace lockstitch::test {

inline Picture picture_of(unsigned width, unsigned height, std::uint32_t colour) {
  return {width, height, std::vector<std::uint32_t>(std::size_t{width} * height, colour)};
}

/// Rows are padded with blanks.
inline TextScreen text_screen(unsigned columns, unsigned rows, std::initializer_list<std::string_view> lines) {
  TextScreen screen{columns, rows, std::vector<TextScreen::Cell>(std::size_t{columns} * rows), std::nullopt};
  unsigned row = 0;
  for (const std::string_view line : lines) {
    for (unsigned column = 0; column < line.size(); ++column) {
      screen.cells[std::size_t{row} * columns + column].character = static_cast<std::uint8_t>(line[column]);
    }
    ++row;
  }
  return screen;
}

class PaintedScreen final : public Screen {
 public:
  Picture picture = picture_of(640, 480, 0);
  std::optional<TextScreen> shown_text;
  mutable unsigned drawn = 0;

  void draw(Picture& to) const override {
    ++drawn;
    to = picture;
  }
  std::optional<TextScreen> text() const override { return shown_text; }
};

}  // namespace lockstitch::test
