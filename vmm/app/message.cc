// See message.h.
#include "vmm/app/message.h"

#include <cstdio>

namespace lockstitch::app {

std::string sentence(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.empty()) return line;
  if (line[0] >= 'a' && line[0] <= 'z') line[0] = static_cast<char>(line[0] - 'a' + 'A');
  if (line.back() != '.' && line.back() != '?') line += '.';
  return line;
}

void say(std::string_view text) { std::fprintf(stderr, "lockstitch: %s\n", sentence(text).c_str()); }

}  // namespace lockstitch::app
