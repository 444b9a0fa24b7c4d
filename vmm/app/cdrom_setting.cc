// See cdrom_setting.h. Sources: ECMA-119 (ISO 9660) 6.7, 8.4; ECMA-167 (UDF) 2/8, 3/7.2, 3/8.4, 3/10.2, 3/10.5.
#include "vmm/app/cdrom_setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "vmm/world/image_file.h"
#include "vmm/world/positioned_io.h"

namespace lockstitch::app {

namespace {

constexpr std::uint64_t disc_sector_bytes = 2048;
/// The first that belongs to a file system; those before it are for boot programs.
constexpr std::uint64_t first_sector = 16;
/// Where UDF's anchor is.
constexpr std::uint64_t anchor_sector = 256;
/// Unit: sectors. A list of descriptors; they have 16 as a rule.
constexpr std::uint64_t descriptors_max = 64;

using Sector = std::array<std::uint8_t, disc_sector_bytes>;

std::uint64_t little(const Sector& sector, std::size_t offset, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | sector[offset + i];
  return value;
}

bool says(const Sector& sector, std::size_t offset, std::string_view text) {
  return std::memcmp(sector.data() + offset, text.data(), text.size()) == 0;
}

class Disc {
 public:
  Disc(const world::ImageFile& image, const std::string& path) : image_(image), path_(path) {}

  Result<Sector> sector(std::uint64_t number) const {
    Sector out{};
    if (number >= image_.bytes / disc_sector_bytes) return out;
    if (const Outcome read = world::read_at(image_.file, number * disc_sector_bytes, out, "The disc image", path_);
        !read)
      return read.error();
    return out;
  }
  std::uint64_t bytes() const { return image_.bytes; }

 private:
  const world::ImageFile& image_;
  const std::string& path_;
};

/// A descriptor of UDF whose checksum is right.
bool has_tag(const Sector& sector, std::uint64_t kind) {
  constexpr std::size_t tag_bytes = 16, checksum_at = 4;
  unsigned sum = 0;
  for (std::size_t i = 0; i < tag_bytes; ++i) sum += i == checksum_at ? 0u : sector[i];
  return little(sector, 0, 2) == kind && (sum & 0xff) == sector[checksum_at];
}

/// Unit: bytes. What the primary volume descriptor says; 0: there is none.
Result<std::uint64_t> iso9660_bytes(const Disc& disc) {
  for (std::uint64_t at = first_sector; at < first_sector + descriptors_max; ++at) {
    const auto sector = disc.sector(at);
    if (!sector.ok()) return sector.error();
    constexpr std::uint8_t primary = 1;
    if (!says(sector.value(), 1, "CD001")) break;
    if (sector.value()[0] != primary) continue;
    return little(sector.value(), 80, 4) * little(sector.value(), 128, 2);
  }
  return std::uint64_t{0};
}

/// Unit: bytes. Where UDF's partitions end; 0: there is no UDF. A disc of Windows has its files there, and ISO 9660
/// only knows of a note.
Result<std::uint64_t> udf_bytes(const Disc& disc) {
  constexpr std::uint64_t anchor = 2, partition = 5, terminator = 8;
  const auto found = disc.sector(anchor_sector);
  if (!found.ok()) return found.error();
  if (!has_tag(found.value(), anchor)) return std::uint64_t{0};
  const std::uint64_t begin = little(found.value(), 20, 4);
  const std::uint64_t count = std::min(little(found.value(), 16, 4) / disc_sector_bytes, descriptors_max);
  std::uint64_t end = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto sector = disc.sector(begin + i);
    if (!sector.ok()) return sector.error();
    if (has_tag(sector.value(), terminator)) break;
    if (has_tag(sector.value(), partition))
      end = std::max(end, (little(sector.value(), 188, 4) + little(sector.value(), 192, 4)) * disc_sector_bytes);
  }
  return end;
}

Outcome check_disc(const Disc& disc, const std::string& path) {
  const auto no = [&](std::string_view what) {
    return Error{ExitCode::bad_input, fmt::format("The disc image '{}' {}.", path, what)};
  };
  const auto first = disc.sector(0);
  if (!first.ok()) return first.error();
  constexpr std::string_view raw_sector("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", 12);
  if (says(first.value(), 0, raw_sector))
    return no("has sectors of 2352 bytes, as a BIN file beside a CUE file; convert it to an ISO image");
  const auto sector = disc.sector(first_sector);
  if (!sector.ok()) return sector.error();
  if (disc.bytes() < (first_sector + 1) * disc_sector_bytes)
    return no(fmt::format("has {} bytes and is no ISO image: those have {} at least; name another file", disc.bytes(),
                          (first_sector + 1) * disc_sector_bytes));
  const bool iso = says(sector.value(), 1, "CD001");
  if (!iso && !says(sector.value(), 1, "BEA01") && !says(sector.value(), 1, "NSR0"))
    return no("is no ISO image: there is neither ISO 9660 nor UDF on it; name another file, or use it as a --disk");
  const auto iso_bytes = iso9660_bytes(disc), udf = udf_bytes(disc);
  if (!iso_bytes.ok()) return iso_bytes.error();
  if (!udf.ok()) return udf.error();
  const std::uint64_t wanted = std::max(iso_bytes.value(), udf.value());
  if (disc.bytes() < wanted)
    return no(fmt::format("is truncated: it should have {} bytes, it has {}; copy it again", wanted, disc.bytes()));
  if (disc.bytes() % disc_sector_bytes != 0)
    return no(
        fmt::format("has {} bytes, which is not a multiple of {}; copy it again", disc.bytes(), disc_sector_bytes));
  return success();
}

}  // namespace

Result<std::unique_ptr<world::BlockFile>> open_cdrom(const std::string& path, world::WorldTrouble& trouble) {
  auto image = world::open_image_file(path, world::BlockMode::read_only);
  if (!image.ok()) return image.error();
  if (const Outcome good = check_disc(Disc(image.value(), path), path); !good) return good.error();
  return world::BlockFile::open(std::move(image).value(), path, world::BlockMode::read_only, trouble);
}

}  // namespace lockstitch::app
