// One part of a composed value: `mode=ro` in `--disk root.img,mode=ro`, or a key of a [[disk]] table.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstitch::app {

struct Item {
  std::string key;
  std::optional<std::string> value;  ///< nothing: the key stands alone
};

/// Parts are separated by commas; two commas are one comma of a value. Empty parts are left out.
std::vector<Item> split_items(std::string_view text);

}  // namespace lockstitch::app
