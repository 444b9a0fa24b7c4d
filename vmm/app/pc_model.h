// The choices of what the guest's PC is made of, as the board takes them and a trace names them. A kernel that is
// loaded directly needs nothing of it; a disk or CD that is booted by firmware does.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

enum class FirmwareKind : std::uint8_t {
  none,  ///< a kernel is loaded and entered directly
  bios,
  uefi,
};

enum class DiskBus : std::uint8_t { virtio, ide };
enum class NetworkCard : std::uint8_t { virtio, e1000 };
enum class BootDevice : std::uint8_t { disk, cdrom, network };

struct PcModel {
  FirmwareKind firmware = FirmwareKind::none;
  bool cdrom = false;    ///< there is a drive, perhaps without a medium
  bool display = false;  ///< VGA, keyboard and mouse
  bool tablet = false;   ///< USB, with a pointer whose place is absolute
  bool hpet = false;     ///< a high-precision event timer
  bool hyperv = false;   ///< the interface of Hyper-V, which Windows likes to find
  NetworkCard card = NetworkCard::virtio;
  std::vector<DiskBus> buses;  ///< of each disk
  std::vector<BootDevice> boot_order{BootDevice::disk, BootDevice::cdrom};
  bool boot_menu = false;  ///< firmware waits for a key that opens its menu

  friend bool operator==(const PcModel&, const PcModel&) = default;
};

/// One line, as traces keep it; equal models have equal lines.
std::string to_text(const PcModel& model);
/// Fails: not such a line.
Result<PcModel> pc_model_of(const std::string& text);

}  // namespace lockstitch::app
