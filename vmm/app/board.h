// Board PC-1: every device, its place on the bus and its wires, by hand. What is guest-visible here is frozen: changing
// it changes the machine. A kernel that is entered directly gets the small half of it (board.cc), firmware and whoever
// asks for more the rest (board_pc.cc). Source: reference/platform.md 2.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices/acpi/power_management.h"
#include "devices/acpi/reset_control.h"
#include "devices/debug/debug_console.h"
#include "devices/debug/debug_exit.h"
#include "devices/debug/dma_stub.h"
#include "devices/debug/port_92.h"
#include "devices/debug/pvpanic.h"
#include "devices/debug/scratch_port.h"
#include "devices/firmware/cfi_flash.h"
#include "devices/firmware/fw_cfg.h"
#include "devices/hyperv/hyperv_interface.h"
#include "devices/hyperv/msr_router.h"
#include "devices/ide/ide_controller.h"
#include "devices/input/keyboard_controller.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/local_apic.h"
#include "devices/irq/pic_8259.h"
#include "devices/net/e1000.h"
#include "devices/pci/isa_bridge.h"
#include "devices/pci/pci_host.h"
#include "devices/pci/power_function.h"
#include "devices/serial/uart_16550.h"
#include "devices/timer/hpet.h"
#include "devices/usb/uhci_controller.h"
#include "devices/usb/usb_tablet.h"
#include "devices/timer/pit_8254.h"
#include "devices/timer/port_61.h"
#include "devices/timer/rtc_cmos.h"
#include "devices/video/vga_function.h"
#include "devices/virtio/virtio_pci.h"
#include "lockstitch/block.h"
#include "lockstitch/result.h"
#include "lockstitch/screen.h"
#include "vmm/app/engine_setting.h"
#include "vmm/app/pc_model.h"
#include "vmm/machine/machine.h"

namespace lockstitch::app {

/// Everything that the machine's initial state depends on, besides the kernel.
struct BoardConfig {
  MachineConfig machine;
  std::uint64_t memory_bytes = 512ull << 20;
  std::uint64_t rtc_start_seconds = 0;  ///< Unit: seconds since 1970, UTC
  std::array<std::uint8_t, 32> seed{};  ///< of the random-number device
  std::vector<BlockPort*> disks;        ///< not owned; each on the bus that `pc` says
  std::vector<BlockPort*> media;        ///< of the CD-ROM drive, not owned; the first is inserted
  PcModel pc;
  struct Network {
    std::array<std::uint8_t, 6> mac{};
  };
  std::optional<Network> network;
  bool virtio_console = false;
  EngineRequest engine;
  bool reboot = true;  ///< a reset starts the kernel or the firmware again; false: it ends the machine
};

/// What runs first: a kernel and what goes with it, or firmware. Read by the caller, kept for resets.
struct BootFiles {
  std::vector<std::uint8_t> kernel;
  std::vector<std::uint8_t> initrd;
  std::string command_line;
  bool flat = false;  ///< the kernel is a flat real-mode image
  std::vector<std::uint8_t> firmware;
  std::vector<std::uint8_t> uefi_variables;  ///< what the flash below the firmware holds at power-on
  std::vector<std::uint8_t> vga_rom, network_rom;
};

class Board {
 public:
  /// Fails: an impossible memory size, no host memory, a kernel that is none or does not fit.
  static Result<std::unique_ptr<Board>> make(const BoardConfig& config, BootFiles boot);

  Machine& machine() { return *machine_; }
  PortId serial_port() const { return serial_port_; }
  PortId debug_port() const { return debug_port_; }
  std::optional<PortId> network_port() const { return network_port_; }
  std::optional<PortId> console_port() const { return console_port_; }
  std::optional<PortId> keyboard_port() const { return keyboard_port_; }
  std::optional<PortId> mouse_port() const { return mouse_port_; }
  std::optional<PortId> tablet_port() const { return tablet_port_; }
  std::optional<PortId> cdrom_port() const { return cdrom_port_; }
  /// Where the guest tells that it crashed: pvpanic's byte, or the numbers of a Windows bug check.
  std::optional<PortId> panic_port() const { return panic_port_; }
  std::optional<PortId> crash_port() const { return crash_port_; }
  /// Null: there is no display.
  Screen* screen() const;
  /// What UEFI keeps when the power is off; empty: nothing does.
  Bytes uefi_variables() const;

 private:
  explicit Board(BootFiles boot) : boot_(std::move(boot)) {}

  void wire_interrupts();
  void wire_legacy(const BoardConfig& config);
  void wire_pci();
  void wire_virtio(const BoardConfig& config);
  void wire_memory_map();
  void preset_cmos();
  void wire_firmware(const BoardConfig& config);
  std::vector<std::string> boot_paths(const BoardConfig& config) const;
  void wire_display();
  void wire_ide(const BoardConfig& config);
  void wire_e1000(const BoardConfig& config);
  void wire_usb();
  void wire_hpet();
  void wire_hyperv();
  void add_virtio(const std::string& name, std::unique_ptr<VirtioDevice> device);
  Outcome load();
  bool has_firmware() const { return pc_.firmware != FirmwareKind::none; }

  BootFiles boot_;
  PcModel pc_;
  std::uint64_t memory_bytes_ = 0;
  std::unique_ptr<Machine> machine_;
  PortId serial_port_, debug_port_;
  std::optional<PortId> network_port_, console_port_, keyboard_port_, mouse_port_, tablet_port_, cdrom_port_, panic_port_,
      crash_port_;

  std::unique_ptr<LocalApic> lapic_;
  std::unique_ptr<IoApic> ioapic_;
  std::unique_ptr<Pic8259> pic_;
  std::unique_ptr<Pit8254> pit_;
  std::unique_ptr<Port61> port_61_;
  std::unique_ptr<RtcCmos> rtc_;
  std::unique_ptr<Uart16550> serial_;
  std::unique_ptr<PowerManagement> power_;
  std::unique_ptr<ResetControl> reset_control_;
  std::unique_ptr<DebugExit> debug_exit_;
  std::unique_ptr<DebugConsole> debug_console_;
  std::unique_ptr<DmaStub> dma_;
  std::unique_ptr<Port92> port_92_;
  std::unique_ptr<ScratchPort> post_, delay_, fpu_;
  std::unique_ptr<PciHost> pci_;
  std::unique_ptr<IsaBridge> isa_;
  std::unique_ptr<PowerFunction> power_function_;
  std::unique_ptr<FwCfg> fw_cfg_;
  std::unique_ptr<CfiFlash> flash_;
  std::unique_ptr<VgaFunction> vga_;
  std::unique_ptr<KeyboardController> keyboard_;
  std::unique_ptr<IdeController> ide_;
  std::unique_ptr<E1000> e1000_;
  std::unique_ptr<UsbTablet> tablet_;
  std::unique_ptr<UhciController> usb_;
  std::unique_ptr<Hpet> hpet_;
  std::optional<IrqGate> pit_gate_, rtc_gate_;
  std::unique_ptr<Pvpanic> pvpanic_;
  std::unique_ptr<HypervInterface> hyperv_;
  std::unique_ptr<MsrRouter> msr_router_;
  std::vector<std::unique_ptr<VirtioDevice>> virtio_devices_;
  std::vector<std::unique_ptr<VirtioPci>> virtio_;
  std::vector<unsigned> disk_slots_;  ///< of each disk on the PCI bus; 0: it is on IDE
};

}  // namespace lockstitch::app
