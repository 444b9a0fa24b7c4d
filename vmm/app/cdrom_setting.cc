// See cdrom_setting.h. Source: ECMA-119 8.4 (primary volume descriptor); ECMA-167 2/9.1 (volume recognition).
#include "vmm/app/cdrom_setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace lockstitch::app {

namespace {

constexpr std::uint64_t cd_block_bytes = 2048, descriptor_block = 16;
constexpr std::size_t identifier_at = 1, identifier_bytes = 5, size_at = 80;
constexpr std::array<std::string_view, 3> identifiers{"CD001", "BEA01", "NSR02"};
constexpr std::uint8_t primary = 1;

}  // namespace

Result<std::unique_ptr<world::BlockFile>> open_cdrom(const std::string& path, world::WorldTrouble& trouble) {
  auto medium = world::BlockFile::open(path, world::BlockMode::read_only, trouble);
  if (!medium.ok()) return medium;
  const std::uint64_t bytes = medium.value()->sectors() * sector_bytes;
  const auto bad = [&](std::string_view why) {
    return Error{ExitCode::bad_input, fmt::format("The CD image '{}' {}.", path, why)};
  };
  if (bytes < (descriptor_block + 1) * cd_block_bytes) return bad("is too short for a CD; name an ISO image");
  std::array<std::uint8_t, cd_block_bytes> descriptor;
  medium.value()->read(descriptor_block * cd_block_bytes / sector_bytes, descriptor);
  const std::string_view identifier(reinterpret_cast<const char*>(descriptor.data()) + identifier_at, identifier_bytes);
  if (std::find(identifiers.begin(), identifiers.end(), identifier) == identifiers.end())
    return bad("is no CD or DVD: it has neither an ISO 9660 nor a UDF file system; name an ISO image");
  if (identifier == identifiers[0] && descriptor[0] == primary) {
    std::uint64_t blocks = 0;
    for (std::size_t i = 4; i-- > 0;) blocks = blocks << 8 | descriptor[size_at + i];
    if (blocks * cd_block_bytes > bytes)
      return bad(
          fmt::format("is cut off: it should have {} bytes and has {}; copy it again", blocks * cd_block_bytes, bytes));
  }
  if (bytes % cd_block_bytes != 0)
    return bad(fmt::format("has {} bytes, which is no whole number of 2048-byte blocks; copy it again", bytes));
  return medium;
}

}  // namespace lockstitch::app
