// What members and pairs may be called: names that stand in files, certificates and keys of a record alike.
#pragma once
#include <algorithm>
#include <string_view>

namespace lockstitch::sync {

/// 1 to 63 of a-z, 0-9 and the hyphen, which is not the first.
inline bool is_member_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && name[0] != '-' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace lockstitch::sync
