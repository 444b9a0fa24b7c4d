// The settings that make the guest's machine a PC with firmware: `firmware`, `cdrom`, `boot` and what goes with them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/path_base.h"
#include "vmm/app/pc_model.h"

namespace lockstitch::app {

struct PcSetting {
  std::optional<FirmwareKind> firmware;           ///< nothing said: none with a kernel, otherwise BIOS
  std::string firmware_file;                      ///< empty: where Debian's package puts it
  std::string vga_rom_file, network_rom_file;     ///< empty: Debian's
  std::string uefi_variables;                     ///< a file that keeps them; empty: they are forgotten at the end
  std::optional<std::vector<std::string>> media;  ///< of the CD-ROM drive, the first inserted; nothing said: no drive
  std::optional<bool> display;                    ///< nothing said: with firmware
  std::vector<BootDevice> boot_order{BootDevice::disk, BootDevice::cdrom};
  bool boot_menu = false;
  bool tablet = false;
  bool hpet = false;
  bool hyperv = false;

  /// `bios[=FILE]` or `uefi[=FILE]`
  Outcome set_firmware(const std::string& value, const PathBase& base);
  /// `FILE[,FILE]...` or `empty`; a comma in a name is written twice.
  Outcome set_cdrom(const std::string& value, const PathBase& base);
  /// `disk`, `cdrom` and `network`, with commas between
  Outcome set_boot(const std::string& value);
  /// What they mean together; cards and buses are other settings'. Range: `kernel`: one is loaded directly.
  PcModel model(bool kernel) const;
  /// The other way round: of a trace. The names of files are not in it.
  void adopt(const PcModel& model);
};

/// The file that a setting or, if it is empty, Debian's package names.
std::string firmware_path(const PcSetting& setting, FirmwareKind kind);
/// With what a new file of UEFI variables begins.
std::string uefi_variables_template();
std::string vga_rom_path(const PcSetting& setting);
/// What boots from the network; with the boot order `network` only.
std::string network_rom_path(const PcSetting& setting);

}  // namespace lockstitch::app
