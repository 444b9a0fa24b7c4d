// The last entry of a packed trace (pack.h): one line for each file, `<hash> <bytes> <name>`. Never parsed: who unpacks
// makes his own from what he got and compares.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "sync/trace/image_hash.h"

namespace lockstitch::sync {

inline constexpr std::string_view manifest_name = "manifest";

inline std::string manifest_line(std::string_view name, const ImageIdentity& identity) {
  return to_text(identity.hash) + " " + std::to_string(identity.bytes) + " " + std::string(name) + "\n";
}

}  // namespace lockstitch::sync
