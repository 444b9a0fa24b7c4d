// See guest_header.h.
#include "tests/replay/guests/guest_header.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace lockstitch::test {

std::vector<GuestHeader> read_guest_headers(const std::string& folder) {
  std::vector<GuestHeader> headers;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".asm") continue;
    GuestHeader header;
    header.name = entry.path().stem();
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line) && line.starts_with(";");) {
      const auto value = [&](std::string_view key) -> std::string {
        const std::string start = "; " + std::string(key) + ": ";
        return line.starts_with(start) ? line.substr(start.size()) : "";
      };
      if (const auto v = value("boot"); !v.empty()) header.boot = v;
      if (const auto v = value("expect"); !v.empty()) header.expect = v;
      if (const auto v = value("expect-serial"); v.size() >= 2) header.serial = v.substr(1, v.size() - 2);
      if (const auto v = value("expect-ticks-max"); !v.empty()) header.ticks_max = std::stoull(v);
      if (const auto v = value("memory"); !v.empty()) header.memory_mib = std::stoull(v);
    }
    headers.push_back(header);
  }
  std::sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return headers;
}

}  // namespace lockstitch::test
