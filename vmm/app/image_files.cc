// See image_files.h.
#include "vmm/app/image_files.h"

#include <unistd.h>

#include <algorithm>

#include "vmm/world/disk_image.h"

namespace lockstitch::app {

bool boots_from_network(const Settings& settings, const PcModel& pc) {
  return pc.firmware == FirmwareKind::bios && pc.card == NetworkCard::e1000 &&
         settings.network.kind != NetworkSetting::Kind::none &&
         std::find(pc.boot_order.begin(), pc.boot_order.end(), BootDevice::network) != pc.boot_order.end();
}

std::vector<ImageFile> image_files(const Settings& settings) {
  std::vector<ImageFile> files;
  const auto add = [&](std::string role, std::string path, bool written = false) {
    if (!path.empty()) files.push_back({std::move(role), std::move(path), written});
  };
  add("kernel", settings.kernel);
  add("initrd", settings.initrd);
  for (std::size_t i = 0; i < settings.disks.size(); ++i) {
    const DiskSetting& disk = settings.disks[i];
    files.push_back(
        {"disk" + std::to_string(i), disk.file, disk.mode != world::BlockMode::read_only, true, disk.format});
  }
  const PcModel pc = settings.pc_model();
  if (pc.firmware != FirmwareKind::none) add("firmware", firmware_path(settings.pc, pc.firmware));
  if (pc.firmware == FirmwareKind::bios && pc.display) add("vga-rom", vga_rom_path(settings.pc));
  if (boots_from_network(settings, pc)) add("network-rom", network_rom_path(settings.pc));
  if (pc.firmware == FirmwareKind::uefi) {
    // The guest's own file is made at the end of its first run.
    const std::string& own = settings.pc.uefi_variables;
    const bool there = !own.empty() && ::access(own.c_str(), F_OK) == 0;
    add("uefi-variables", there ? own : uefi_variables_template(), !own.empty());
  }
  if (settings.pc.media) {
    for (std::size_t i = 0; i < settings.pc.media->size(); ++i)
      add("cdrom" + std::to_string(i), (*settings.pc.media)[i]);
  }
  return files;
}

Result<std::string> format_name(const ImageFile& file) {
  if (!file.disk) return std::string();
  const auto format = world::format_of_image(file.path, file.format);
  if (!format.ok()) return format.error();
  return format.value() == world::ImageFormat::raw ? std::string() : std::string(world::name_of(format.value()));
}

}  // namespace lockstitch::app
