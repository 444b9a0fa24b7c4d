// Tar archives made by hand, entry by entry, right or wrong (POSIX.1 pax: ustar interchange format).
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace lockstitch::test {

class TarText {
 public:
  struct Entry {
    std::string name;
    char type = '0';  ///< file; 1 hard link, 2 symbolic link, 3 character device, 5 folder, 6 pipe
    std::vector<std::uint8_t> contents;
    std::string link;
    std::int64_t announced_bytes = -1;  ///< if not as many as there are
  };

  TarText& add(const Entry& entry) {
    const std::size_t start = bytes_.size();
    bytes_.resize(start + 512);
    const std::uint64_t announced =
        entry.announced_bytes >= 0 ? static_cast<std::uint64_t>(entry.announced_bytes) : entry.contents.size();
    field(start + 0, entry.name);
    field(start + 100, "0000644");
    field(start + 108, "0000000");
    field(start + 116, "0000000");
    if (announced < std::uint64_t{1} << 33) {
      field(start + 124, octal(announced, 11));
    } else {  // GNU: binary
      bytes_[start + 124] = 0x80;
      for (unsigned i = 0; i < 8; ++i) bytes_[start + 135 - i] = static_cast<std::uint8_t>(announced >> (8 * i));
    }
    field(start + 136, octal(1, 11));
    bytes_[start + 156] = static_cast<std::uint8_t>(entry.type);
    field(start + 157, entry.link);
    field(start + 257, "ustar");
    field(start + 263, "00");
    field(start + 329, "0000001");
    field(start + 337, "0000001");
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(start + 148), 8, std::uint8_t{' '});
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += bytes_[start + i];
    field(start + 148, octal(sum, 6) + std::string(1, '\0'));
    bytes_.insert(bytes_.end(), entry.contents.begin(), entry.contents.end());
    bytes_.resize((bytes_.size() + 511) / 512 * 512);
    return *this;
  }

  /// With the two empty records at the end.
  std::vector<std::uint8_t> end() const {
    auto all = bytes_;
    all.resize(all.size() + 1024);
    return all;
  }

 private:
  static std::string octal(std::uint64_t value, int digits) {
    char out[32];
    std::snprintf(out, sizeof out, "%0*llo", digits, static_cast<unsigned long long>(value));
    return out;
  }
  void field(std::size_t at, const std::string& value) {
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace lockstitch::test
