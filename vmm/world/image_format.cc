// See image_format.h. Sources: QEMU's docs/interop/qcow2.txt; MS-VHDX 2.2.1; VMware's Virtual Disk Format 5.0;
// Microsoft's Virtual Hard Disk Image Format Specification; the header of VirtualBox's VDI 1.1.
#include "vmm/world/image_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <vector>

#include "lockstitch/types.h"
#include "vmm/world/positioned_io.h"

namespace lockstitch::world {

namespace {

constexpr std::array<std::string_view, 6> names{"raw", "qcow2", "vhdx", "vmdk", "vpc", "vdi"};

/// Unit: bytes. All headers lie in these.
constexpr std::size_t beginning_bytes = 4096;
constexpr std::size_t vhd_footer_bytes = 512;
/// Unit: bytes. VMware's text is a few hundred long; one with thousands of extents still fits.
constexpr std::size_t descriptor_max_bytes = 64 << 10;
/// Unit: bytes. qcow2: the longest name of a backing file.
constexpr std::size_t backing_name_max_bytes = 1023;

class Reader {
 public:
  Reader(const ImageFile& image, const std::string& path) : image_(image), path_(path) {}

  /// Zeros behind the end of the file and where the host fails, which whoever opens the image will notice.
  std::vector<std::uint8_t> at(std::uint64_t offset, std::size_t bytes) const {
    std::vector<std::uint8_t> out(bytes);
    if (offset >= image_.bytes) return out;
    const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, image_.bytes - offset));
    if (!read_at(image_.file, offset, MutableBytes(out).first(there), "Disk image", path_)) out.assign(bytes, 0);
    return out;
  }
  std::uint64_t bytes() const { return image_.bytes; }
  const std::string& path() const { return path_; }

 private:
  const ImageFile& image_;
  const std::string& path_;
};

std::uint64_t little(Bytes from, std::size_t offset, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | from[offset + i];
  return value;
}

std::uint64_t big(Bytes from, std::size_t offset, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | from[offset + i];
  return value;
}

bool says(Bytes from, std::size_t offset, std::string_view text) {
  return from.size() >= offset + text.size() && std::memcmp(from.data() + offset, text.data(), text.size()) == 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string as_text(Bytes bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::uint8_t{0});
  return std::string(bytes.begin(), end);
}

/// Of a fixed VHD only the footer tells. Its checksum keeps the end of a raw image from being taken for one.
bool is_vhd_footer(Bytes footer) {
  if (!says(footer, 0, "conectix")) return false;
  constexpr std::size_t checksum_at = 64;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < vhd_footer_bytes; ++i) {
    if (i < checksum_at || i >= checksum_at + 4) sum += footer[i];
  }
  return ~sum == static_cast<std::uint32_t>(big(footer, checksum_at, 4));
}

std::vector<std::uint8_t> vhd_footer(const Reader& image) {
  if (image.bytes() < vhd_footer_bytes) return std::vector<std::uint8_t>(vhd_footer_bytes);
  return image.at(image.bytes() - vhd_footer_bytes, vhd_footer_bytes);
}

bool is_vmdk_text(Bytes beginning) {
  // Comments may stand before the line that tells.
  const std::string text = lower(as_text(beginning));
  return text.starts_with("# disk descriptorfile") ||
         (text.starts_with('#') && text.find("\n# disk descriptorfile") != std::string::npos);
}

constexpr std::string_view qcow_magic{"QFI\xfb", 4};

/// What these bytes are in a format that QEMU knows and we do not; empty: nothing of the kind.
std::string_view foreign_format(Bytes beginning) {
  if (says(beginning, 0, qcow_magic)) {
    const std::uint64_t version = big(beginning, 4, 4);
    if (version == 1) return "qcow";
    if (version != 2 && version != 3) return "a newer qcow2";
  }
  if (says(beginning, 0, std::string_view("QED\0", 4))) return "qed";
  if (says(beginning, 0, "COWD")) return "vmdk of version 3";
  return "";
}

ImageFormat looks_like(const Reader& image, Bytes beginning) {
  constexpr std::uint32_t vdi_signature = 0xbeda107f;
  if (says(beginning, 0, qcow_magic)) return ImageFormat::qcow2;
  if (says(beginning, 0, "vhdxfile")) return ImageFormat::vhdx;
  if (says(beginning, 0, "KDMV") || is_vmdk_text(beginning)) return ImageFormat::vmdk;
  if (little(beginning, 0x40, 4) == vdi_signature) return ImageFormat::vdi;
  if (says(beginning, 0, "conectix") || is_vhd_footer(vhd_footer(image))) return ImageFormat::vpc;
  return ImageFormat::raw;
}

Error bad(const Reader& image, std::string_view what) {
  return {ExitCode::bad_input, fmt::format("The disk image '{}' {}.", image.path(), what)};
}

constexpr std::string_view encrypted =
    "is encrypted, which Lockstitch does not read; convert it to an image without encryption with `qemu-img convert`";

Outcome check_qcow2(const Reader& image, Bytes beginning) {
  if (big(beginning, 32, 4) != 0) return bad(image, encrypted);
  const std::uint64_t features = big(beginning, 4, 4) >= 3 ? big(beginning, 72, 8) : 0;
  if (features & 2)
    return bad(image, "is marked as damaged by who wrote it last; repair a copy with `qemu-img check -r all`");
  return success();
}

Outcome check_vpc(const Reader& image, Bytes beginning) {
  // A dynamic image has its footer at both ends. QEMU reads the first alone.
  if (!says(beginning, 0, "conectix")) return success();
  const bool old = image.bytes() > 511 && says(image.at(image.bytes() - 511, 8), 0, "conectix");
  if (old || is_vhd_footer(vhd_footer(image))) return success();
  return bad(image, "is cut off: a VHD ends with a footer, and this one does not; copy it again");
}

Outcome check_vdi(const Reader& image, Bytes beginning) {
  const std::uint64_t data_at = little(beginning, 0x158, 4), block_bytes = little(beginning, 0x178, 4);
  const std::uint64_t blocks = little(beginning, 0x184, 4);
  const std::uint64_t wanted = data_at + block_bytes * blocks;
  if (image.bytes() >= wanted) return success();
  return bad(image,
             fmt::format("is cut off: it should have {} bytes, it has {}; copy it again", wanted, image.bytes()));
}

Outcome check_header(ImageFormat format, const Reader& image, Bytes beginning) {
  switch (format) {
    case ImageFormat::qcow2:
      return check_qcow2(image, beginning);
    case ImageFormat::vpc:
      return check_vpc(image, beginning);
    case ImageFormat::vdi:
      return check_vdi(image, beginning);
    default:
      return success();
  }
}

std::string vmdk_descriptor(const Reader& image, Bytes beginning) {
  if (!says(beginning, 0, "KDMV")) return as_text(image.at(0, descriptor_max_bytes));
  const std::uint64_t sector = little(beginning, 28, 8), sectors = little(beginning, 36, 8);
  if (sector > image.bytes() / 512) return "";
  return as_text(image.at(sector * 512, std::min<std::uint64_t>(sectors, descriptor_max_bytes / 512) * 512));
}

/// What of the host an image leads to besides itself; empty: nothing.
std::string other_file(ImageFormat format, const Reader& image, Bytes beginning) {
  if (format == ImageFormat::qcow2) {
    const std::uint64_t name_at = big(beginning, 8, 8);
    const auto name_bytes = std::min<std::size_t>(big(beginning, 16, 4), backing_name_max_bytes);
    if (name_at != 0) return fmt::format("its backing file '{}'", printable(as_text(image.at(name_at, name_bytes))));
    if (big(beginning, 4, 4) >= 3 && (big(beginning, 72, 8) & 4)) return "a data file";
  }
  if (format == ImageFormat::vmdk) {
    const bool has_capacity = says(beginning, 0, "KDMV") && little(beginning, 12, 8) != 0;
    if (!has_capacity) return "the files that its descriptor lists";
    const std::string text = lower(vmdk_descriptor(image, beginning));
    const std::size_t parent = text.find("parentcid=");
    if (text.find("parentfilenamehint") != std::string::npos ||
        (parent != std::string::npos && text.compare(parent + 10, 8, "ffffffff") != 0)) {
      return "a parent image";
    }
  }
  return "";
}

bool name_agrees(const std::string& path, ImageFormat format) {
  const std::string name = lower(path);
  if (format == ImageFormat::qcow2) return name.ends_with(".qcow2") || name.ends_with(".qcow");
  return name.ends_with(fmt::format(".{}", name_of(format)));
}

}  // namespace

std::string_view name_of(ImageFormat format) { return names[static_cast<std::size_t>(format)]; }

std::optional<ImageFormat> format_named(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<ImageFormat>(found - names.begin());
}

std::span<const std::string_view> format_names() { return names; }

Result<ImageFormat> choose_format(const ImageFile& file, const std::string& path, std::optional<ImageFormat> given) {
  if (given == ImageFormat::raw) return ImageFormat::raw;
  const Reader image(file, path);
  const std::vector<std::uint8_t> beginning = image.at(0, beginning_bytes);
  if (const std::string_view foreign = foreign_format(beginning); !foreign.empty()) {
    return bad(image, fmt::format("is {} by its contents, which Lockstitch does not read; convert it with `qemu-img "
                                  "convert`, or say format=raw if the guest is to see these bytes",
                                  foreign));
  }
  const ImageFormat found = looks_like(image, beginning);
  if (given && *given != found) {
    return bad(image, fmt::format("is {} by its contents and not {}; leave out format={}, or copy the image again if "
                                  "it is damaged",
                                  name_of(found), name_of(*given), name_of(*given)));
  }
  if (const Outcome good = check_header(found, image, beginning); !good) return good.error();
  const std::string other = other_file(found, image, beginning);
  if (!given && !other.empty() && !name_agrees(path, found)) {
    return bad(image, fmt::format("looks like {0} and leads to {1}, which a guest may have written into a raw image; "
                                  "if it is yours say format={0}, else format=raw",
                                  name_of(found), other));
  }
  return found;
}

}  // namespace lockstitch::world
