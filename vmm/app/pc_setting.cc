// See pc_setting.h.
#include "vmm/app/pc_setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "vmm/app/item.h"
#include "vmm/app/suggestion.h"

namespace lockstitch::app {

namespace {
constexpr std::array<std::string_view, 2> firmware_names{"bios", "uefi"};
constexpr std::array<std::string_view, 3> boot_names{"disk", "cdrom", "network"};
/// In place of a list of media.
constexpr std::string_view empty_drive = "empty";
}  // namespace

Outcome PcSetting::set_firmware(const std::string& value, const PathBase& base) {
  const std::size_t equals = value.find('=');
  const std::string name = value.substr(0, equals);
  if (name != firmware_names[0] && name != firmware_names[1]) {
    return Error{ExitCode::usage, fmt::format("there is no firmware '{}'{}", name,
                                              did_you_mean(name, firmware_names, "it is bios or uefi"))};
  }
  firmware = name == firmware_names[0] ? FirmwareKind::bios : FirmwareKind::uefi;
  firmware_file.clear();
  if (equals == value.npos) return success();
  if (equals + 1 == value.size()) return Error{ExitCode::usage, "the name of the firmware's file is empty"};
  firmware_file = base.resolve(value.substr(equals + 1));
  return success();
}

Outcome PcSetting::set_cdrom(const std::string& value, const PathBase& base) {
  media.emplace();
  if (value == empty_drive) return success();
  for (const Item& item : split_items(value)) {
    media->push_back(base.resolve(item.value ? item.key + "=" + *item.value : item.key));
  }
  if (media->empty())
    return Error{ExitCode::usage, "the drive's medium has no name; name an ISO image, or say 'empty'"};
  return success();
}

Outcome PcSetting::set_boot(const std::string& value) {
  boot_order.clear();
  for (const Item& item : split_items(value)) {
    const auto known = std::find(boot_names.begin(), boot_names.end(), item.key);
    if (known == boot_names.end() || item.value) {
      return Error{ExitCode::usage, fmt::format("nothing boots from '{}'{}", item.key,
                                                did_you_mean(item.key, boot_names, "it is " + listed(boot_names)))};
    }
    const auto device = static_cast<BootDevice>(known - boot_names.begin());
    if (std::find(boot_order.begin(), boot_order.end(), device) != boot_order.end())
      return Error{ExitCode::usage, fmt::format("'{}' is named twice", item.key)};
    boot_order.push_back(device);
  }
  if (boot_order.empty()) return Error{ExitCode::usage, "the order is empty; it is a list of " + listed(boot_names)};
  return success();
}

PcModel PcSetting::model(bool kernel) const {
  PcModel model;
  model.firmware = firmware.value_or(kernel ? FirmwareKind::none : FirmwareKind::bios);
  model.cdrom = media.has_value();
  model.display = display.value_or(model.firmware != FirmwareKind::none);
  model.tablet = tablet;
  model.hpet = hpet;
  model.hyperv = hyperv;
  model.boot_order = boot_order;
  model.boot_menu = boot_menu;
  return model;
}

void PcSetting::adopt(const PcModel& model) {
  if (model.firmware != FirmwareKind::none) firmware = model.firmware;
  display = model.display;
  boot_order = model.boot_order;
  boot_menu = model.boot_menu;
  tablet = model.tablet;
  hpet = model.hpet;
  hyperv = model.hyperv;
}

std::string firmware_path(const PcSetting& setting, FirmwareKind kind) {
  if (!setting.firmware_file.empty()) return setting.firmware_file;
  return kind == FirmwareKind::bios ? "/usr/share/seabios/bios-256k.bin" : "/usr/share/OVMF/OVMF_CODE_4M.fd";
}

std::string uefi_variables_template() { return "/usr/share/OVMF/OVMF_VARS_4M.fd"; }

std::string vga_rom_path(const PcSetting& setting) {
  return setting.vga_rom_file.empty() ? "/usr/share/seabios/vgabios-stdvga.bin" : setting.vga_rom_file;
}

std::string network_rom_path(const PcSetting& setting) {
  return setting.network_rom_file.empty() ? "/usr/lib/ipxe/qemu/pxe-e1000.rom" : setting.network_rom_file;
}

}  // namespace lockstitch::app
