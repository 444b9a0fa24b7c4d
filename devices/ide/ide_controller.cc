// See ide_controller.h.
#include "devices/ide/ide_controller.h"

#include <memory>

#include "devices/ide/ata_disk.h"
#include "devices/ide/cd_drive.h"

namespace lockstitch {
namespace {
constexpr unsigned bus_master_bar = 4, bus_master_ports = 16;
constexpr unsigned timing_offset = 0x40, slave_timing_offset = 0x44;
constexpr std::uint8_t decode_enable = 0x80;
}  // namespace

IdeController::IdeController(std::string name, GuestMemory& memory, ClockPort& clock, IrqLine& irq14, IrqLine& irq15)
    : PciFunction(std::move(name), {.vendor = 0x8086, .device = 0x7010, .class_code = 0x01'01'80, .status = 0x0280}),
      channels_{{{memory, clock, irq14}, {memory, clock, irq15}}} {
  set_initial(timing_offset, {0, decode_enable, 0, decode_enable});
  set_writable(timing_offset, 4);
  set_writable(slave_timing_offset, 1);
  add_bar(bus_master_bar, BarKind::io, bus_master_ports);
}

void IdeController::attach_disk(unsigned channel, unsigned unit, BlockPort& disk, std::string_view serial) {
  LS_ASSERT_CMP(channel, <, channels);
  channels_[channel].put(unit, std::make_unique<AtaDisk>(channels_[channel], disk, serial));
}

ArrivalHandler& IdeController::attach_cdrom(unsigned channel, unsigned unit, std::vector<BlockPort*> media) {
  LS_ASSERT_CMP(channel, <, channels);
  LS_ASSERT_CMP(media.size(), <=, media_max);
  const std::string serial = "CD" + std::to_string(channel) + std::to_string(unit);
  auto drive = std::make_unique<CdDrive>(channels_[channel], std::move(media), serial);
  ArrivalHandler& arrivals = *drive;
  channels_[channel].put(unit, std::move(drive));
  return arrivals;
}

void IdeController::attach(AlarmPort& primary, AlarmPort& secondary, MapPort& bus_master) {
  channels_[0].attach(primary);
  channels_[1].attach(secondary);
  attach_bar(bus_master_bar, bus_master);
}

void IdeController::reset() {
  PciFunction::reset();
  for (IdeChannel& channel : channels_) channel.reset();
  update_bus_master();
}

void IdeController::visit(StateVisitor& v) {
  PciFunction::visit(v);
  for (unsigned i = 0; i < channels; ++i) {
    Section section(v, i == 0 ? "primary" : "secondary");
    channels_[i].visit(v);
  }
}

void IdeController::loaded() {
  PciFunction::loaded();
  update_bus_master();
}

void IdeController::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  PciFunction::write_config(offset, width, value);
  update_bus_master();
}

void IdeController::update_bus_master() {
  for (IdeChannel& channel : channels_) channel.allow_bus_master(PciFunction::bus_master());
}

std::uint8_t IdeController::read_bus_master(std::uint64_t offset) {
  return channels_[offset / BusMaster::register_count].read_bus_master(offset % BusMaster::register_count);
}

void IdeController::write_bus_master(std::uint64_t offset, std::uint8_t value) {
  channels_[offset / BusMaster::register_count].write_bus_master(offset % BusMaster::register_count, value);
}

}  // namespace lockstitch
