// Board PC-1 as far as a direct kernel boot needs it: every device, its place on the bus and its wires, by hand in one
// function. What is guest-visible here is frozen: changing it changes the machine. Source: reference/platform.md 2.
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
#include "devices/debug/scratch_port.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/local_apic.h"
#include "devices/irq/pic_8259.h"
#include "devices/pci/isa_bridge.h"
#include "devices/pci/pci_host.h"
#include "devices/pci/power_function.h"
#include "devices/serial/uart_16550.h"
#include "devices/timer/pit_8254.h"
#include "devices/timer/port_61.h"
#include "devices/timer/rtc_cmos.h"
#include "devices/virtio/virtio_pci.h"
#include "lockstitch/block.h"
#include "lockstitch/result.h"
#include "lockstitch/screen.h"
#include "vmm/machine/machine.h"

namespace lockstitch::app {

/// 1 ns for each tick: a processor of 1 GHz that executes one instruction per cycle.
inline constexpr std::uint64_t ns_per_tick = 1;

/// Everything that the machine's initial state depends on, besides the kernel.
struct BoardConfig {
  MachineConfig machine;
  std::uint64_t memory_bytes = 512ull << 20;
  std::uint64_t rtc_start_seconds = 0;  ///< Unit: seconds since 1970, UTC
  std::array<std::uint8_t, 32> seed{};  ///< of the random-number device
  std::vector<BlockPort*> disks;        ///< not owned; each a virtio-blk
  struct Network {
    std::array<std::uint8_t, 6> mac{};
  };
  std::optional<Network> network;
  bool virtio_console = false;
  bool reboot = true;  ///< a reset starts the kernel again; false: it ends the machine
};

/// The kernel and what goes with it; read by the caller, kept for resets.
struct BootFiles {
  std::vector<std::uint8_t> kernel;
  std::vector<std::uint8_t> initrd;
  std::string command_line;
  bool flat = false;  ///< the kernel is a flat real-mode image
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
  /// Null: it has none.
  Screen* screen() { return screen_; }
  std::optional<PortId> keyboard_port() const { return keyboard_port_; }
  std::optional<PortId> mouse_port() const { return mouse_port_; }
  std::optional<PortId> cdrom_port() const { return cdrom_port_; }

 private:
  explicit Board(BootFiles boot) : boot_(std::move(boot)) {}

  void wire_interrupts();
  void wire_legacy(const BoardConfig& config);
  void wire_pci();
  void wire_virtio(const BoardConfig& config);
  void add_virtio(const std::string& name, std::unique_ptr<VirtioDevice> device);
  Outcome load();

  BootFiles boot_;
  std::uint64_t memory_bytes_ = 0;
  std::unique_ptr<Machine> machine_;
  PortId serial_port_, debug_port_;
  std::optional<PortId> network_port_, console_port_, keyboard_port_, mouse_port_, cdrom_port_;
  Screen* screen_ = nullptr;

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
  std::vector<std::unique_ptr<VirtioDevice>> virtio_devices_;
  std::vector<std::unique_ptr<VirtioPci>> virtio_;
};

}  // namespace lockstitch::app
