// See board.h.
#include "vmm/app/board.h"

#include <algorithm>

#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_rng.h"
#include "vmm/boot/acpi_tables.h"
#include "vmm/boot/flat.h"
#include "vmm/boot/kernel_image.h"
#include "vmm/boot/memory_layout.h"

namespace lockstitch::app {
namespace {

constexpr Gpa ioapic_gpa = 0xfec0'0000, lapic_gpa = 0xfee0'0000;
constexpr unsigned first_virtio_slot = 4;
constexpr std::size_t max_disks = 32 - first_virtio_slot - 3;
constexpr std::ptrdiff_t max_ide_disks = 3;  // the fourth place is the CD-ROM drive's

bool has_ide_disk(const BoardConfig& config) {
  return std::find(config.pc.buses.begin(), config.pc.buses.end(), DiskBus::ide) != config.pc.buses.end();
}

}  // namespace

Result<std::unique_ptr<Board>> Board::make(const BoardConfig& config, BootFiles boot) {
  auto memory = Memory::create(config.memory_bytes);
  if (!memory.ok()) return memory.error();
  LS_ASSERT_CMP(config.pc.buses.size(), ==, config.disks.size());
  if (const auto ide = std::count(config.pc.buses.begin(), config.pc.buses.end(), DiskBus::ide); ide > max_ide_disks)
    return Error{ExitCode::usage, "there are " + std::to_string(ide) + " IDE disks, but room for " +
                                      std::to_string(max_ide_disks) + ": put the others on bus=virtio"};
  if (config.disks.size() > max_disks)
    return Error{ExitCode::usage, "there are " + std::to_string(config.disks.size()) +
                                      " disks, but the PCI bus has room for " + std::to_string(max_disks) +
                                      ": leave some out"};
  auto board = std::unique_ptr<Board>(new Board(std::move(boot)));
  EngineRequest wanted = config.engine;
  wanted.hyperv = config.pc.hyperv;
  auto engine = make_engine(wanted, *memory.value());
  if (!engine.ok()) return engine.error();
  board->memory_bytes_ = config.memory_bytes;
  board->machine_ = std::make_unique<Machine>(config.machine, std::move(engine).value(), std::move(memory).value());
  board->pc_ = config.pc;
  board->wire_memory_map();
  board->wire_interrupts();
  board->wire_legacy(config);
  board->wire_pci();
  if (config.pc.display) board->wire_display();
  if (board->has_firmware() || config.pc.cdrom || has_ide_disk(config)) board->wire_ide(config);
  if (config.pc.tablet) board->wire_usb();
  if (config.network && config.pc.card == NetworkCard::e1000) board->wire_e1000(config);
  if (config.pc.hyperv) board->wire_hyperv();
  board->wire_virtio(config);
  if (board->has_firmware()) {
    board->wire_firmware(config);
    if (config.reboot) board->machine_->set_reset_hook([] {});
    return board;
  }
  Outcome loaded = board->load();
  if (!loaded.ok()) return loaded.error();
  if (config.reboot) {
    // There is no firmware to find the kernel again.
    board->machine_->set_reset_hook([raw = board.get()] {
      const Outcome again = raw->load();
      LS_ASSERT(again.ok());  // it fitted the first time
    });
  }
  return board;
}

void Board::wire_interrupts() {
  Machine& m = *machine_;
  lapic_ = std::make_unique<LocalApic>("lapic0", 0, m.cpu_signals(), m.clock());
  lapic_->attach_timer(m.alarms().make("lapic0/timer", *lapic_));
  ioapic_ = std::make_unique<IoApic>("ioapic", *lapic_);
  lapic_->attach_ioapic(*ioapic_);
  pic_ = std::make_unique<Pic8259>("pic", lapic_->lint0());
  lapic_->attach_pic(*pic_);
  m.set_interrupt_port(*lapic_);
  for (unsigned gsi = 0; gsi < IrqRouter::gsi_count; ++gsi) {
    if (gsi == 2) continue;  // the cascade
    if (gsi < 16) m.irqs().connect(gsi, pic_->input(gsi));
    m.irqs().connect(gsi, ioapic_->input(gsi == 0 ? 2 : gsi));
  }
  Bus& bus = m.bus();
  LS_ASSERT(bus.add_memory(lapic_gpa, 4096, *lapic_));
  LS_ASSERT(bus.add_memory(ioapic_gpa, 4096, *ioapic_));
  LS_ASSERT(bus.add_ports(0x20, 2, pic_->master()));
  LS_ASSERT(bus.add_ports(0xa0, 2, pic_->slave()));
  LS_ASSERT(bus.add_ports(0x4d0, 2, pic_->elcr()));
  m.add_device(*lapic_);
  m.add_device(*ioapic_);
  m.add_device(*pic_);
}

void Board::wire_legacy(const BoardConfig& config) {
  Machine& m = *machine_;
  Bus& bus = m.bus();
  IrqRouter& irqs = m.irqs();

  IrqLine* pit_line = &irqs.make_line(0);
  IrqLine* rtc_line = &irqs.make_line(8);
  if (config.pc.hpet) {
    pit_line = &pit_gate_.emplace(*pit_line);
    rtc_line = &rtc_gate_.emplace(*rtc_line);
  }
  pit_ = std::make_unique<Pit8254>("pit", *pit_line, m.clock());
  pit_->attach(m.alarms().make("pit", *pit_));
  port_61_ = std::make_unique<Port61>("port61", *pit_, m.clock());
  rtc_ = std::make_unique<RtcCmos>("rtc", *rtc_line, m.clock(), config.rtc_start_seconds);
  rtc_->attach(m.alarms().make("rtc", *rtc_));
  LS_ASSERT(bus.add_ports(0x40, 4, *pit_));
  LS_ASSERT(bus.add_ports(0x61, 1, *port_61_));
  LS_ASSERT(bus.add_ports(0x70, 2, *rtc_));

  serial_port_ = m.make_port("serial0");
  serial_ = std::make_unique<Uart16550>("serial0", irqs.make_line(4), m.effects(serial_port_), m.clock());
  serial_->attach(m.alarms().make("serial0", *serial_));
  m.set_arrival_handler(serial_port_, *serial_);
  LS_ASSERT(bus.add_ports(0x3f8, 8, *serial_));

  power_ = std::make_unique<PowerManagement>("pm", irqs.make_line(9), m.power(), m.clock());
  power_->attach(m.alarms().make("pm", *power_));
  m.set_power_button([this] { power_->press_power_button(); });
  LS_ASSERT(bus.add_ports(0xb2, 2, power_->apm()));
  LS_ASSERT(bus.add_ports(0xafe0, 4, power_->gpe()));
  reset_control_ = std::make_unique<ResetControl>("reset", m.power());

  debug_port_ = m.make_port("debug");
  debug_exit_ = std::make_unique<DebugExit>("debug-exit", m.power());
  debug_console_ = std::make_unique<DebugConsole>("debug-console", m.effects(debug_port_));
  LS_ASSERT(bus.add_ports(0x501, 4, *debug_exit_));
  LS_ASSERT(bus.add_ports(0x402, 1, *debug_console_));

  dma_ = std::make_unique<DmaStub>("dma");
  port_92_ = std::make_unique<Port92>("port92", m.power());
  post_ = std::make_unique<ScratchPort>("post");
  delay_ = std::make_unique<ScratchPort>("delay");
  fpu_ = std::make_unique<ScratchPort>("fpu");
  LS_ASSERT(bus.add_ports(0x00, 16, dma_->controller()));
  if (has_firmware()) LS_ASSERT(bus.add_ports(0xc0, 32, dma_->controller()));
  LS_ASSERT(bus.add_ports(0x81, 15, dma_->pages()));
  LS_ASSERT(bus.add_ports(0x80, 1, *post_));
  LS_ASSERT(bus.add_ports(0x92, 1, *port_92_));
  LS_ASSERT(bus.add_ports(0xed, 1, *delay_));
  LS_ASSERT(bus.add_ports(0xf0, 2, *fpu_));

  for (Device* device : std::initializer_list<Device*>{
           pit_.get(), port_61_.get(), rtc_.get(), serial_.get(), power_.get(), reset_control_.get(), debug_exit_.get(),
           debug_console_.get(), dma_.get(), port_92_.get(), post_.get(), delay_.get(), fpu_.get()})
    m.add_device(*device);
}

void Board::wire_pci() {
  Machine& m = *machine_;
  Bus& bus = m.bus();
  pci_ = std::make_unique<PciHost>("pci", reset_control_.get(), &m.memory());
  std::array<IrqLine*, 16> isa_lines{};
  for (const unsigned irq : {3u, 4u, 5u, 6u, 7u, 9u, 10u, 11u, 12u, 14u, 15u})
    isa_lines[irq] = &m.irqs().make_line(irq);
  isa_ = std::make_unique<IsaBridge>("isa", isa_lines);
  power_function_ = std::make_unique<PowerFunction>("pm-function");
  power_function_->attach(bus.make_port_bar(64, power_->pm_block()));
  pci_->add(1, 0, *isa_);
  pci_->add(1, 3, *power_function_);
  LS_ASSERT(bus.add_ports(0xcf8, 4, pci_->address()));
  LS_ASSERT(bus.add_ports(0xcfc, 4, pci_->data()));
  m.add_device(*pci_);
  m.add_device(*isa_);
  m.add_device(*power_function_);
  if (pc_.hpet) wire_hpet();
}

// Order: entropy, network, console, disks, so that the number of disks moves nothing else.
void Board::wire_virtio(const BoardConfig& config) {
  Machine& m = *machine_;
  add_virtio("rng", std::make_unique<VirtioRng>(config.seed));
  if (config.network && pc_.card == NetworkCard::virtio) {
    network_port_ = m.make_port("net0");
    auto net = std::make_unique<VirtioNet>(config.network->mac, m.effects(*network_port_));
    m.set_arrival_handler(*network_port_, *net);
    add_virtio("net0", std::move(net));
  }
  if (config.virtio_console) {
    console_port_ = m.make_port("console0");
    auto console = std::make_unique<VirtioConsole>(m.effects(*console_port_));
    m.set_arrival_handler(*console_port_, *console);
    add_virtio("console0", std::move(console));
  }
  for (std::size_t i = 0; i < config.disks.size(); ++i) {
    disk_slots_.push_back(0);
    if (pc_.buses[i] != DiskBus::virtio) continue;
    disk_slots_[i] = first_virtio_slot + static_cast<unsigned>(virtio_.size());
    const std::string name = "disk" + std::to_string(i);
    auto disk = std::make_unique<VirtioBlk>(*config.disks[i], m.clock(), name);
    disk->attach(m.alarms().make(name, *disk));
    add_virtio(name, std::move(disk));
  }
}

void Board::add_virtio(const std::string& name, std::unique_ptr<VirtioDevice> device) {
  Machine& m = *machine_;
  const auto slot = first_virtio_slot + static_cast<unsigned>(virtio_.size());
  auto function = std::make_unique<VirtioPci>(name, m.memory(), *lapic_, isa_->pin(slot, 1), *device);
  function->attach(m.bus().make_memory_bar(VirtioPci::msix_bytes, function->msix_window()),
                   m.bus().make_memory_bar(VirtioPci::register_bytes, function->registers()));
  pci_->add(slot, 0, *function);
  m.add_device(*function);
  virtio_devices_.push_back(std::move(device));
  virtio_.push_back(std::move(function));
}

// What firmware would have left behind, and the kernel at its entry point.
Outcome Board::load() {
  Machine& m = *machine_;
  for (const unsigned pirq : {0u, 1u}) isa_->route(pirq, 10);
  for (const unsigned pirq : {2u, 3u}) isa_->route(pirq, 11);
  pic_->elcr().write(1, 1, 0x0e);  // 9 (SCI), 10 and 11 are level-triggered
  // Counter 0 counts from 65536 for ever. Linux waits for it to count when the processor has no TSC.
  for (const auto& [port, value] : {std::pair{0x43, 0x34}, {0x40, 0}, {0x40, 0}})
    m.bus().write_port(static_cast<std::uint16_t>(port), 1, static_cast<std::uint64_t>(value));

  auto layout = boot::memory_layout(memory_bytes_);
  if (!layout.ok()) return layout.error();
  boot::AcpiRequest acpi;
  acpi.low_ram_end = layout.value().low_ram_end;
  acpi.keyboard_controller = acpi.vga = pc_.display;
  acpi.hpet = pc_.hpet;
  auto rsdp = boot::store_acpi_tables(m.memory(), acpi);
  if (!rsdp.ok()) return rsdp.error();

  boot::KernelKind kind = boot::KernelKind::flat;
  if (!boot_.flat) {
    auto recognised = boot::recognise_kernel(boot_.kernel);
    if (!recognised.ok()) return recognised.error();
    kind = recognised.value();
  }
  boot::LoadRequest request;
  request.kernel = boot_.kernel;
  request.initrd = boot_.initrd;
  request.command_line = boot_.command_line;
  request.memory_map = layout.value().regions;
  request.rsdp = rsdp.value();
  auto cpu = boot::load_kernel(m.memory(), request, kind);
  if (!cpu.ok()) return cpu.error();
  CpuState entry = cpu.value();
  entry.tsc_offset = m.cpu().tsc_offset;  // a reset has started the counter again
  m.set_cpu(entry);
  return success();
}

}  // namespace lockstitch::app
