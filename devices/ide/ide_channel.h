// One IDE channel: a cable with up to two drives, the registers that belong to the cable, its interrupt wire, its alarm
// and its half of the bus master. Not here: the drives' registers and commands (ide_drive.h).
#pragma once
#include <array>
#include <memory>

#include "devices/ide/bus_master.h"
#include "devices/ide/ide_drive.h"
#include "lockstitch/assert.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Source: ATA/ATAPI-6 (T13 1410D) chapter 7; Intel 82371SB datasheet 2.7; reference/platform.md 7.8. Of a drive that
/// is missing every register reads 0, but for the device register while the other drive is there.
class IdeChannel final : public DriveCable, public AlarmHandler {
 public:
  static constexpr unsigned units = 2;

  IdeChannel(GuestMemory& memory, ClockPort& clock, IrqLine& irq) : memory_(memory), clock_(clock), irq_(irq) {}
  IdeChannel(const IdeChannel&) = delete;
  IdeChannel& operator=(const IdeChannel&) = delete;

  // Called before anything else.
  void put(unsigned unit, std::unique_ptr<IdeDrive> drive);
  void attach(AlarmPort& alarm) { alarm_ = &alarm; }

  void reset();
  void visit(StateVisitor& visitor);
  /// The PCI function may use the bus. Derived from its command register, not saved here.
  void allow_bus_master(bool allowed) { bus_master_allowed_ = allowed; }

  RegisterWindow& task_file() { return task_file_; }
  RegisterWindow& control() { return control_; }
  std::uint8_t read_bus_master(unsigned offset) const { return bus_master_.read(offset); }
  void write_bus_master(unsigned offset, std::uint8_t value);

  void alarm() override;

  VirtualNs now() const override { return clock_.now(); }
  bool polled() const override { return control_bits_ & interrupts_off; }
  void drive_changed() override { update(); }

 private:
  /// Range: data by 2 or 4 bytes at offset 0; the rest by bytes.
  class TaskFile final : public RegisterWindow {
   public:
    explicit TaskFile(IdeChannel& channel) : channel_(channel) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    IdeChannel& channel_;
  };
  class Control final : public RegisterWindow {
   public:
    explicit Control(IdeChannel& channel) : channel_(channel) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    IdeChannel& channel_;
  };

  static constexpr std::uint8_t interrupts_off = 0x02, software_reset = 0x04, high_order = 0x80;
  static constexpr std::uint8_t device_fixed = 0xa0, device_second = 0x10;

  IdeDrive* selected() const { return drives_[(device_ & device_second) ? 1 : 0].get(); }
  std::uint8_t read_register(unsigned offset);
  void write_register(unsigned offset, std::uint8_t value);
  void write_control(std::uint8_t value);
  void command(std::uint8_t code);
  void move(IdeDrive& drive);
  /// Starts a transfer that can start, drives the wire, sets the alarm. After everything that may change a drive.
  void update();

  GuestMemory& memory_;
  ClockPort& clock_;
  IrqLine& irq_;
  AlarmPort* alarm_ = nullptr;
  std::array<std::unique_ptr<IdeDrive>, units> drives_;
  TaskFile task_file_{*this};
  Control control_{*this};
  std::vector<std::uint8_t> scratch_;
  bool bus_master_allowed_ = false;

  std::uint8_t device_ = device_fixed, control_bits_ = 0;
  bool level_ = false;
  BusMaster bus_master_;
};

}  // namespace lockstitch
