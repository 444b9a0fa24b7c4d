// The PIIX3 IDE function: PCI configuration space and where the two channels' registers are. Not here: the channels
// (ide_channel.h), the drives (ata_disk.h, cd_drive.h) and the place of the ports (the board).
#pragma once
#include <array>
#include <string_view>
#include <vector>

#include "devices/byte_window.h"
#include "devices/ide/ide_channel.h"
#include "devices/pci/pci_function.h"
#include "lockstitch/block.h"

namespace lockstitch {

/// Models:   PIIX3 function 1 (8086:7010): two channels in compatibility mode with bus master, ATA disks, ATAPI drives
/// Maturity: what firmware and drivers touch
/// Missing:  READ/WRITE LONG, SMART, security, host protected area, queued commands; audio; Ultra DMA timing (the
///           drives agree to it, as drivers choose by what a drive says)
/// Ignored:  timing registers (40h-44h) are stored, the decode enable bits and the I/O enable bit among them: the ports
///           always answer; the direction bit of the bus master (the command says it)
/// Arrivals: one for each CD drive: 1 byte, the index of the medium to insert or FFh to eject
/// Effects:  none; disks are machine state
/// Alarms:   one for each channel: a drive goes on. What a command does to a disk or to guest memory happens then.
/// Source:   Intel 82371SB datasheet; ATA/ATAPI-6; MMC-5; reference/platform.md 2.4, 7.8. The power-on state of the
///           decode enables is what firmware leaves, so that a boot without firmware finds the channels.
class IdeController final : public PciFunction {
 public:
  static constexpr unsigned channels = 2;
  /// Unit: media. FFh is not an index.
  static constexpr std::size_t media_max = 255;

  IdeController(std::string name, GuestMemory& memory, ClockPort& clock, IrqLine& irq14, IrqLine& irq15);

  // Called while the machine is built.
  /// `serial`: up to 20 characters count.
  void attach_disk(unsigned channel, unsigned unit, BlockPort& disk, std::string_view serial);
  /// `media`: what can be inserted; the first is in the drive at power-on. Blocks have 2048 bytes; a part at the end
  /// that fills none cannot be read.
  ArrivalHandler& attach_cdrom(unsigned channel, unsigned unit, std::vector<BlockPort*> media);
  void attach(AlarmPort& primary, AlarmPort& secondary, MapPort& bus_master);

  AlarmHandler& channel_alarm(unsigned channel) { return channels_[channel]; }
  /// 8 ports, 1F0h and 170h.
  RegisterWindow& task_file(unsigned channel) { return channels_[channel].task_file(); }
  /// 1 port, 3F6h and 376h.
  RegisterWindow& control(unsigned channel) { return channels_[channel].control(); }
  /// 16 ports, BAR 4.
  RegisterWindow& bus_master() { return bus_master_; }

  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override;
  void write_config(unsigned offset, unsigned width, std::uint32_t value) override;

 private:
  std::uint8_t read_bus_master(std::uint64_t offset);
  void write_bus_master(std::uint64_t offset, std::uint8_t value);
  void update_bus_master();

  std::array<IdeChannel, channels> channels_;
  ByteWindowOf<IdeController> bus_master_{*this, &IdeController::read_bus_master, &IdeController::write_bus_master};
};

}  // namespace lockstitch
