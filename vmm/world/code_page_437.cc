// See code_page_437.h.
#include "vmm/world/code_page_437.h"

#include <array>

namespace lockstitch::world {

namespace {

// clang-format off
constexpr std::array<std::string_view, 256> glyphs{
    " ", "☺", "☻", "♥", "♦", "♣", "♠", "•", "◘", "○", "◙", "♂", "♀", "♪", "♫", "☼",  // 00
    "►", "◄", "↕", "‼", "¶", "§", "▬", "↨", "↑", "↓", "→", "←", "∟", "↔", "▲", "▼",  // 10
    " ", "!", "\"", "#", "$", "%", "&", "'", "(", ")", "*", "+", ",", "-", ".", "/",  // 20
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", ":", ";", "<", "=", ">", "?",  // 30
    "@", "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O",  // 40
    "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "[", "\\", "]", "^", "_",  // 50
    "`", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o",  // 60
    "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z", "{", "|", "}", "~", "⌂",  // 70
    "Ç", "ü", "é", "â", "ä", "à", "å", "ç", "ê", "ë", "è", "ï", "î", "ì", "Ä", "Å",  // 80
    "É", "æ", "Æ", "ô", "ö", "ò", "û", "ù", "ÿ", "Ö", "Ü", "¢", "£", "¥", "₧", "ƒ",  // 90
    "á", "í", "ó", "ú", "ñ", "Ñ", "ª", "º", "¿", "⌐", "¬", "½", "¼", "¡", "«", "»",  // A0
    "░", "▒", "▓", "│", "┤", "╡", "╢", "╖", "╕", "╣", "║", "╗", "╝", "╜", "╛", "┐",  // B0
    "└", "┴", "┬", "├", "─", "┼", "╞", "╟", "╚", "╔", "╩", "╦", "╠", "═", "╬", "╧",  // C0
    "╨", "╤", "╥", "╙", "╘", "╒", "╓", "╫", "╪", "┘", "┌", "█", "▄", "▌", "▐", "▀",  // D0
    "α", "ß", "Γ", "π", "Σ", "σ", "µ", "τ", "Φ", "Θ", "Ω", "δ", "∞", "φ", "ε", "∩",  // E0
    "≡", "±", "≥", "≤", "⌠", "⌡", "÷", "≈", "°", "∙", "·", "√", "ⁿ", "²", "■", " ",  // F0
};
// clang-format on

}  // namespace

std::string_view text_of(std::uint8_t character) { return glyphs[character]; }

std::string text_of(const TextScreen& screen) {
  std::string text, line_ends;
  for (unsigned row = 0; row < screen.rows; ++row) {
    std::string line, blanks;
    for (unsigned column = 0; column < screen.columns; ++column) {
      const std::size_t at = std::size_t{row} * screen.columns + column;
      const std::string_view glyph = at < screen.cells.size() ? glyphs[screen.cells[at].character] : " ";
      if (glyph == " ") {
        blanks += glyph;
      } else {
        line += blanks;
        line += glyph;
        blanks.clear();
      }
    }
    if (!line.empty()) {
      text += line_ends + line;
      line_ends.clear();
    }
    line_ends += '\n';
  }
  if (!text.empty()) text += '\n';
  return text;
}

}  // namespace lockstitch::world
