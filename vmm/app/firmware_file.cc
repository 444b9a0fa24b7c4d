// See firmware_file.h.
#include "vmm/app/firmware_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "lockstitch/assert.h"
#include "lockstitch/types.h"
#include "vmm/world/host_file.h"

namespace lockstitch::app {

namespace {

/// Unit: bytes. Firmware ends at 4 GiB, and the I/O APIC lies 20 MiB below.
constexpr std::size_t firmware_max_bytes = 16u << 20;
constexpr std::size_t option_rom_max_bytes = 256u << 10;

struct Kind {
  std::string_view role, what;
  std::size_t limit_bytes;
};
constexpr std::array kinds{Kind{"firmware", "The firmware", firmware_max_bytes},
                           Kind{"uefi-variables", "The file of UEFI variables", firmware_max_bytes},
                           Kind{"vga-rom", "The display's ROM", option_rom_max_bytes},
                           Kind{"network-rom", "The network card's ROM", option_rom_max_bytes}};

struct Package {
  std::string_view place, name;
};
constexpr std::array packages{Package{"/usr/share/seabios/", "seabios"}, Package{"/usr/share/OVMF/", "ovmf"},
                              Package{"/usr/lib/ipxe/qemu/", "ipxe-qemu"}};

std::string hint(const std::string& path) {
  for (const Package& package : packages) {
    if (path.starts_with(package.place)) return fmt::format(" Install the package {}.", package.name);
  }
  return "";
}

/// A UEFI firmware volume. Source: UEFI PI 1.7 volume 3, 3.2.1
bool is_volume(Bytes contents) {
  constexpr std::string_view signature = "_FVH";
  constexpr std::size_t signature_offset = 40;
  return contents.size() > signature_offset + signature.size() &&
         std::equal(signature.begin(), signature.end(), contents.begin() + signature_offset);
}

}  // namespace

Result<std::vector<std::uint8_t>> read_firmware_file(const std::string& path, const std::string& role) {
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return k.role == role; });
  LS_ASSERT(kind != kinds.end());
  auto contents = world::read_host_file(path, kind->limit_bytes, kind->what);
  if (!contents.ok()) {
    const Error& error = contents.error();
    return Error{error.code, error.text + (error.code == ExitCode::missing_input ? hint(path) : "")};
  }
  const std::size_t bytes = contents.value().size();
  const auto bad = [&](std::string_view why) {
    return Error{ExitCode::bad_input, fmt::format("{} '{}' {}.", kind->what, path, why)};
  };
  if (bytes == 0) return bad("is empty; name the right file");
  if (role == "uefi-variables" && (bytes % page_bytes != 0 || !is_volume(contents.value())))
    return bad("holds no UEFI variables; name a copy of OVMF_VARS_4M.fd, or a file that does not exist yet");
  if (role == "firmware" && bytes % page_bytes != 0)
    return bad(fmt::format("has {} bytes, which is no whole number of 4 KiB pages; name a firmware image", bytes));
  return contents;
}

}  // namespace lockstitch::app
