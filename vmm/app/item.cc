// See item.h.
#include "vmm/app/item.h"

namespace lockstitch::app {

namespace {

void add_part(std::vector<Item>& items, std::string& part) {
  if (part.empty()) return;
  const std::size_t equals = part.find('=');
  if (equals == part.npos) {
    items.push_back({part, std::nullopt});
  } else {
    items.push_back({part.substr(0, equals), part.substr(equals + 1)});
  }
  part.clear();
}

}  // namespace

std::vector<Item> split_items(std::string_view text) {
  std::vector<Item> items;
  std::string part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      part += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      part += text[i++];
    } else {
      add_part(items, part);
    }
  }
  add_part(items, part);
  return items;
}

}  // namespace lockstitch::app
