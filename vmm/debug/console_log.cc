// See console_log.h.
#include "vmm/debug/console_log.h"

#include <algorithm>

namespace lockstitch::debug {

void ConsoleLog::effect(const Effect& effect) {
  next_.effect(effect);
  if (std::find(ports_.begin(), ports_.end(), effect.port) == ports_.end()) return;
  pieces_.emplace_back(effect.tick, std::string(effect.payload.begin(), effect.payload.end()));
}

std::string ConsoleLog::tail(Tick tick, std::size_t lines) const {
  auto from = std::lower_bound(pieces_.begin(), pieces_.end(), tick,
                               [](const auto& piece, Tick wanted) { return piece.first < wanted; });
  const auto until = from;
  for (std::size_t ends = 0; from != pieces_.begin() && ends <= lines;) {
    --from;
    ends += static_cast<std::size_t>(std::count(from->second.begin(), from->second.end(), '\n'));
  }
  std::string text;
  for (; from != until; ++from) text += from->second;
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  std::size_t begin = text.size();
  for (std::size_t left = lines + (text.ends_with('\n') ? 1 : 0); begin > 0 && left > 0; --begin) {
    if (text[begin - 1] == '\n' && --left == 0) break;
  }
  return text.substr(begin);
}

}  // namespace lockstitch::debug
