// See firmware_files.h.
#include "vmm/boot/firmware_files.h"

#include "vmm/boot/smbios.h"
#include "vmm/boot/table_loader.h"

namespace lockstitch::boot {

namespace {

using Contents = std::vector<std::uint8_t>;

enum Key : std::uint16_t {
  signature = 0,
  id = 1,
  uuid = 2,
  ram_bytes = 3,
  no_graphics = 4,
  cpus = 5,
  numa = 0x0d,
  boot_menu = 0x0e,
  max_cpus = 0x0f,
};
constexpr std::uint64_t with_dma = 3;
/// Unit: ms. How long firmware waits for the key that opens its boot menu.
constexpr std::uint64_t menu_wait_ms = 5000;

Contents number(std::uint64_t value, unsigned bytes) {
  Contents contents;
  for (unsigned i = 0; i < bytes; ++i) contents.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return contents;
}

void append(Contents& to, const Contents& more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace

FirmwareFiles firmware_files(const FirmwareRequest& request) {
  FirmwareFiles all;
  std::uint64_t bytes = 0;
  Contents e820;
  for (const MemoryRegion& region : request.ram) {
    bytes += region.length;
    append(e820, number(region.base, 8));
    append(e820, number(region.length, 8));
    append(e820, number(static_cast<std::uint32_t>(MemoryKind::usable), 4));
  }
  all.entries[signature] = {'Q', 'E', 'M', 'U'};
  all.entries[id] = number(with_dma, 4);
  all.entries[uuid].assign(request.uuid.begin(), request.uuid.end());
  all.entries[ram_bytes] = number(bytes, 8);
  all.entries[no_graphics] = number(request.acpi.vga ? 0 : 1, 2);
  all.entries[cpus] = all.entries[max_cpus] = number(request.acpi.cpus, 2);
  all.entries[numa] = Contents(16);
  all.entries[boot_menu] = number(request.boot_menu ? 1 : 0, 2);

  all.files["etc/e820"] = e820;
  LoaderFiles acpi = loader_files(request.acpi);
  all.files["etc/acpi/tables"] = std::move(acpi.tables);
  all.files["etc/acpi/rsdp"] = std::move(acpi.rsdp);
  all.files["etc/table-loader"] = std::move(acpi.commands);
  SmbiosFiles smbios = smbios_files({request.ram, request.uuid});
  all.files["etc/smbios/smbios-anchor"] = std::move(smbios.anchor);
  all.files["etc/smbios/smbios-tables"] = std::move(smbios.tables);
  // S0 and S5 are there, S3 and S4 are not; 80h marks what is, the rest are the values of SLP_TYP.
  all.files["etc/system-states"] = {0x80, 0, 0, 0x01, 0x02, 0x80};
  all.files["etc/show-boot-menu"] = number(request.boot_menu ? 1 : 0, 2);
  if (request.boot_menu) all.files["etc/boot-menu-wait"] = number(menu_wait_ms, 2);
  Contents& order = all.files["bootorder"];
  for (const std::string& path : request.boot_order) {
    if (!order.empty()) order.push_back('\n');
    order.insert(order.end(), path.begin(), path.end());
  }
  if (order.empty())
    all.files.erase("bootorder");
  else
    order.push_back(0);
  return all;
}

}  // namespace lockstitch::boot
