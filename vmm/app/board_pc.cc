// The half of board PC-1 that firmware needs, or a guest that wants a display, IDE drives or Windows' interfaces.
// See board.h.
#include "vmm/app/board.h"
#include "vmm/boot/firmware_files.h"
#include "vmm/boot/memory_layout.h"

namespace lockstitch::app {
namespace {

constexpr Gpa four_gib = 1ull << 32, hpet_gpa = 0xfed0'0000;
constexpr Gpa vga_window_gpa = 0xa'0000, option_roms_gpa = 0xc'0000, bios_shadow_gpa = 0xe'0000;
constexpr std::uint64_t vga_window_bytes = 0x2'0000, option_roms_bytes = 0x2'0000, bios_shadow_bytes = 0x2'0000;
constexpr unsigned vga_slot = 2, e1000_slot = 3;
constexpr unsigned ide_function = 1;
/// Where drives are put, by channel and unit: disks in this order, the CD-ROM drive always on the last.
struct IdePlace {
  unsigned channel, unit;
};
constexpr std::array<IdePlace, 3> ide_disk_places{{{0, 0}, {0, 1}, {1, 1}}};
constexpr IdePlace cdrom_place{1, 0};

std::string ide_path(unsigned channel, unsigned unit) {
  return "/pci@i0cf8/ide@1,1/drive@" + std::to_string(channel) + "/disk@" + std::to_string(unit);
}

std::string hex_digit(unsigned slot) {
  constexpr std::string_view digits = "0123456789abcdef";
  return slot < 16 ? std::string(1, digits[slot]) : "1" + std::string(1, digits[slot - 16]);
}

}  // namespace

// Where ROM is, RAM shows through only as the host bridge's PAM registers let it.
void Board::wire_memory_map() {
  Memory& memory = machine_->memory();
  if (pc_.display || has_firmware()) memory.add_hole(vga_window_gpa, vga_window_bytes);
  if (!has_firmware()) return;
  const std::vector<std::uint8_t> nothing(option_roms_bytes, 0xff);
  memory.add_rom(option_roms_gpa, nothing);
  const Bytes image = boot_.firmware;
  std::vector<std::uint8_t> shadow(bios_shadow_bytes, 0xff);
  const std::size_t tail = std::min<std::size_t>(image.size(), bios_shadow_bytes);
  std::copy(image.end() - static_cast<std::ptrdiff_t>(tail), image.end(),
            shadow.end() - static_cast<std::ptrdiff_t>(tail));
  memory.add_rom(bios_shadow_gpa, shadow);
  memory.add_rom(four_gib - image.size(), image);
  if (boot_.uefi_variables.empty()) return;
  const std::uint64_t bytes = boot_.uefi_variables.size();
  const Gpa base = four_gib - image.size() - bytes;
  DeviceMemory& storage = machine_->bus().make_device_memory(bytes, false);
  flash_ = std::make_unique<CfiFlash>("flash", storage, base);
  flash_->load(boot_.uefi_variables);
  LS_ASSERT(machine_->bus().add_memory_below(base, bytes, *flash_));
  machine_->add_device(*flash_);
  flash_->reset();
}

// What a PC's set-up program would have stored. Source: reference/platform.md 7.6
void Board::preset_cmos() {
  const auto preset = [this](std::uint8_t index, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      rtc_->set_memory(static_cast<std::uint8_t>(index + i), static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const std::uint64_t low = std::min(memory_bytes_, limits::low_ram_max_bytes), high = memory_bytes_ - low;
  const std::uint64_t extended_kib = std::min<std::uint64_t>((low - (1u << 20)) >> 10, 0xffff);
  preset(0x14, 0x06, 1);  // equipment: FPU, PS/2 mouse
  preset(0x15, 640, 2);
  preset(0x17, extended_kib, 2);
  preset(0x30, extended_kib, 2);
  preset(0x34, low <= 16u << 20 ? 0 : std::min<std::uint64_t>((low - (16u << 20)) >> 16, 0xffff), 2);
  preset(0x5b, high >> 16, 3);
  // Boot order in nibbles: 2 hard disk, 3 CD, 4 network.
  std::array<std::uint8_t, 3> order{};
  for (std::size_t i = 0; i < pc_.boot_order.size() && i < order.size(); ++i)
    order[i] = static_cast<std::uint8_t>(2 + static_cast<unsigned>(pc_.boot_order[i]));
  preset(0x3d, order[0] | order[1] << 4, 1);
  preset(0x38, order[2] << 4 | 1, 1);
}

void Board::wire_display() {
  Machine& m = *machine_;
  Bus& bus = m.bus();
  vga_ = std::make_unique<VgaFunction>("vga", m.clock(), bus.make_device_memory(VgaFunction::video_memory_bytes, true));
  vga_->attach(bus.make_memory_bar(VgaFunction::register_bytes, vga_->registers()));
  LS_ASSERT(bus.add_ports(0x3b0, 48, vga_->ports()));
  LS_ASSERT(bus.add_ports(0x1ce, 4, vga_->dispi_ports()));
  LS_ASSERT(bus.add_memory(vga_window_gpa, vga_window_bytes, vga_->legacy_memory()));
  pci_->add(vga_slot, 0, *vga_);
  m.add_device(*vga_);

  keyboard_port_ = m.make_port("keyboard");
  mouse_port_ = m.make_port("mouse");
  keyboard_ = std::make_unique<KeyboardController>("i8042", m.irqs().make_line(1), m.irqs().make_line(12), m.clock(),
                                                   m.power());
  keyboard_->attach(m.alarms().make("i8042", keyboard_->pacing()));
  m.set_arrival_handler(*keyboard_port_, keyboard_->keyboard());
  m.set_arrival_handler(*mouse_port_, keyboard_->mouse());
  LS_ASSERT(bus.add_ports(0x60, 1, keyboard_->data()));
  LS_ASSERT(bus.add_ports(0x64, 1, keyboard_->command()));
  m.add_device(*keyboard_);
}

void Board::wire_ide(const BoardConfig& config) {
  Machine& m = *machine_;
  Bus& bus = m.bus();
  ide_ = std::make_unique<IdeController>("ide", m.memory(), m.clock(), m.irqs().make_line(14), m.irqs().make_line(15));
  std::size_t next = 0;
  for (std::size_t i = 0; i < config.disks.size(); ++i) {
    if (pc_.buses[i] != DiskBus::ide) continue;
    const IdePlace& place = ide_disk_places[next++];
    ide_->attach_disk(place.channel, place.unit, *config.disks[i], "disk" + std::to_string(i));
  }
  if (pc_.cdrom) {
    cdrom_port_ = m.make_port("cdrom");
    m.set_arrival_handler(*cdrom_port_, ide_->attach_cdrom(cdrom_place.channel, cdrom_place.unit, config.media));
  }
  ide_->attach(m.alarms().make("ide/primary", ide_->channel_alarm(0)),
               m.alarms().make("ide/secondary", ide_->channel_alarm(1)), bus.make_port_bar(16, ide_->bus_master()));
  LS_ASSERT(bus.add_ports(0x1f0, 8, ide_->task_file(0)));
  LS_ASSERT(bus.add_ports(0x3f6, 1, ide_->control(0)));
  LS_ASSERT(bus.add_ports(0x170, 8, ide_->task_file(1)));
  LS_ASSERT(bus.add_ports(0x376, 1, ide_->control(1)));
  pci_->add(1, ide_function, *ide_);
  m.add_device(*ide_);
}

void Board::wire_e1000(const BoardConfig& config) {
  Machine& m = *machine_;
  network_port_ = m.make_port("net0");
  e1000_ = std::make_unique<E1000>("net0", config.network->mac, m.memory(), m.clock(), isa_->pin(e1000_slot, 1),
                                   m.effects(*network_port_));
  e1000_->attach(m.alarms().make("net0", *e1000_), m.bus().make_memory_bar(E1000::register_bytes, e1000_->registers()),
                 m.bus().make_port_bar(E1000::io_bytes, e1000_->io()));
  m.set_arrival_handler(*network_port_, *e1000_);
  pci_->add(e1000_slot, 0, *e1000_);
  m.add_device(*e1000_);
}

void Board::wire_usb() {
  Machine& m = *machine_;
  constexpr unsigned slot = 1, function = 2, pin_d = 4;
  tablet_port_ = m.make_port("tablet");
  tablet_ = std::make_unique<UsbTablet>(m.clock());
  m.set_arrival_handler(*tablet_port_, *tablet_);
  usb_ = std::make_unique<UhciController>("usb", m.memory(), m.clock(), isa_->pin(slot, pin_d));
  usb_->plug(0, *tablet_);
  usb_->attach(m.alarms().make("usb", *usb_), m.bus().make_port_bar(UhciController::register_bytes, usb_->registers()));
  pci_->add(slot, function, *usb_);
  m.add_device(*usb_);
}

void Board::wire_hpet() {
  Machine& m = *machine_;
  std::array<IrqLine*, Hpet::route_count> routes{};
  for (const unsigned gsi : {16u, 17u, 18u, 19u, 20u, 21u, 22u, 23u}) routes[gsi] = &m.irqs().make_line(gsi);
  hpet_ = std::make_unique<Hpet>("hpet", m.clock(), m.irqs().make_line(0), m.irqs().make_line(8), routes);
  hpet_->attach(m.alarms().make("hpet", *hpet_));
  hpet_->attach_gates(*pit_gate_, *rtc_gate_);
  LS_ASSERT(m.bus().add_memory(hpet_gpa, 1024, *hpet_));
  m.add_device(*hpet_);
}

void Board::wire_hyperv() {
  Machine& m = *machine_;
  crash_port_ = m.make_port("crash");
  hyperv_ = std::make_unique<HypervInterface>("hyperv", m.memory(), m.clock(), *lapic_, m.effects(*crash_port_));
  hyperv_->attach(m.alarms().make("hyperv", *hyperv_));
  msr_router_ = std::make_unique<MsrRouter>(*lapic_, *hyperv_);
  m.set_interrupt_port(*msr_router_);
  m.add_device(*hyperv_);
}

void Board::wire_firmware(const BoardConfig& config) {
  Machine& m = *machine_;
  preset_cmos();
  panic_port_ = m.make_port("panic");
  pvpanic_ = std::make_unique<Pvpanic>("pvpanic", m.effects(*panic_port_));
  LS_ASSERT(m.bus().add_ports(0x505, 1, *pvpanic_));
  m.add_device(*pvpanic_);

  boot::FirmwareRequest request;
  std::vector<boot::MemoryRegion> ram;
  for (const MemoryRegion& region : m.memory().regions()) ram.push_back({region.base, region.bytes});
  request.ram = ram;
  request.acpi.low_ram_end = ram[0].length;
  request.acpi.keyboard_controller = request.acpi.vga = pc_.display;
  request.acpi.pvpanic = true;
  request.acpi.hpet = pc_.hpet;
  request.boot_menu = pc_.boot_menu;
  request.boot_order = boot_paths(config);
  boot::FirmwareFiles all = boot::firmware_files(request);
  if (!boot_.vga_rom.empty()) all.files["pci1234,1111.rom"] = boot_.vga_rom;
  if (!boot_.network_rom.empty()) all.files["pci8086,100e.rom"] = boot_.network_rom;
  fw_cfg_ = std::make_unique<FwCfg>("fw_cfg", m.memory());
  for (auto& [key, contents] : all.entries) fw_cfg_->set_entry(key, std::move(contents));
  fw_cfg_->set_files(all.files);
  LS_ASSERT(m.bus().add_ports(0x510, 2, fw_cfg_->ports()));
  LS_ASSERT(m.bus().add_ports(0x514, 8, fw_cfg_->dma()));
  m.add_device(*fw_cfg_);
}

// As SeaBIOS and OVMF know the devices.
std::vector<std::string> Board::boot_paths(const BoardConfig& config) const {
  std::vector<std::string> paths;
  for (const BootDevice device : pc_.boot_order) {
    switch (device) {
      case BootDevice::disk: {
        std::size_t ide = 0;
        for (std::size_t i = 0; i < config.disks.size(); ++i) {
          if (pc_.buses[i] == DiskBus::virtio) {
            paths.push_back("/pci@i0cf8/scsi@" + hex_digit(disk_slots_[i]) + "/disk@0,0");
          } else {
            const IdePlace& place = ide_disk_places[ide++];
            paths.push_back(ide_path(place.channel, place.unit));
          }
        }
        break;
      }
      case BootDevice::cdrom:
        if (pc_.cdrom) paths.push_back(ide_path(cdrom_place.channel, cdrom_place.unit));
        break;
      case BootDevice::network:
        if (e1000_) paths.push_back("/pci@i0cf8/ethernet@3/ethernet-phy@0");
        break;
    }
  }
  return paths;
}

Screen* Board::screen() const { return vga_.get(); }

Bytes Board::uefi_variables() const { return flash_ ? flash_->contents() : Bytes(); }

}  // namespace lockstitch::app
