// See ide_channel.h.
#include "devices/ide/ide_channel.h"

#include <algorithm>

namespace lockstitch {
namespace {
constexpr unsigned device_register = 6, command_register = 7;
constexpr std::uint8_t code_diagnostics = 0x90;
/// Unit: bytes. Data moves between drive and memory in pieces of this size.
constexpr std::size_t scratch_bytes = 65'536;
}  // namespace

void IdeChannel::put(unsigned unit, std::unique_ptr<IdeDrive> drive) {
  LS_ASSERT_CMP(unit, <, units);
  LS_ASSERT(drives_[unit] == nullptr);
  drives_[unit] = std::move(drive);
  drives_[unit]->power_on();
  scratch_.resize(scratch_bytes);
}

void IdeChannel::reset() {
  for (auto& drive : drives_)
    if (drive) drive->power_on();
  device_ = device_fixed;
  control_bits_ = 0;
  bus_master_.reset();
  update();
}

void IdeChannel::visit(StateVisitor& v) {
  v.field("device", device_);
  v.field("control", control_bits_);
  v.field("level", level_);
  {
    Section section(v, "bus_master");
    bus_master_.visit(v);
  }
  for (unsigned unit = 0; unit < units; ++unit) {
    if (!drives_[unit]) continue;
    Section section(v, unit == 0 ? "drive0" : "drive1");
    drives_[unit]->visit(v);
  }
}

std::uint64_t IdeChannel::TaskFile::read(std::uint64_t offset, unsigned width) {
  if (offset == 0) {
    IdeDrive* drive = channel_.selected();
    if (width != 2 && width != 4) return ones(width);
    if (drive == nullptr) return 0;
    return width == 4 ? drive->read_data_twice() : drive->read_data();
  }
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i)
    value |= std::uint64_t{channel_.read_register(static_cast<unsigned>(offset) + i)} << (8 * i);
  return value;
}

void IdeChannel::TaskFile::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (offset == 0) {
    IdeDrive* drive = channel_.selected();
    if (drive == nullptr || (width != 2 && width != 4)) return;
    drive->write_data(static_cast<std::uint16_t>(value));
    if (width == 4) drive->write_data(static_cast<std::uint16_t>(value >> 16));
    return;
  }
  for (unsigned i = 0; i < width; ++i)
    channel_.write_register(static_cast<unsigned>(offset) + i, static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t IdeChannel::Control::read(std::uint64_t, unsigned) {
  const IdeDrive* drive = channel_.selected();
  return drive != nullptr ? drive->status() : 0;
}

void IdeChannel::Control::write(std::uint64_t, unsigned, std::uint64_t value) {
  channel_.write_control(static_cast<std::uint8_t>(value));
}

std::uint8_t IdeChannel::read_register(unsigned offset) {
  IdeDrive* drive = selected();
  if (offset == device_register) return drives_[0] || drives_[1] ? device_ : 0;
  if (drive == nullptr) return 0;
  if (offset != command_register) return drive->read_register(offset, control_bits_ & high_order);
  const std::uint8_t status = drive->status();
  drive->acknowledge();
  update();
  return status;
}

void IdeChannel::write_register(unsigned offset, std::uint8_t value) {
  control_bits_ &= static_cast<std::uint8_t>(~high_order);
  if (offset == command_register) {
    command(value);
  } else if (offset == device_register) {
    if (!(control_bits_ & software_reset)) device_ = value | device_fixed;
  } else {
    for (auto& drive : drives_)
      if (drive) drive->write_register(offset, value);
  }
  update();
}

void IdeChannel::command(std::uint8_t code) {
  if (code == code_diagnostics) {
    // For both drives, whichever is selected.
    if (control_bits_ & software_reset) return;
    device_ = device_fixed;
    for (unsigned unit = 0; unit < units; ++unit)
      if (drives_[unit]) drives_[unit]->diagnose(unit == 0 || !drives_[0]);
    return;
  }
  if (IdeDrive* drive = selected()) drive->command(code, device_);
}

void IdeChannel::write_control(std::uint8_t value) {
  const std::uint8_t changed = value ^ control_bits_;
  control_bits_ = value & (interrupts_off | software_reset | high_order);
  if (changed & software_reset) {
    if (value & software_reset) device_ = device_fixed;
    for (auto& drive : drives_) {
      if (!drive) continue;
      if (value & software_reset) {
        drive->begin_reset();
      } else {
        drive->end_reset();
      }
    }
  }
  update();
}

void IdeChannel::write_bus_master(unsigned offset, std::uint8_t value) {
  bus_master_.write(offset, value);
  if (!bus_master_.ready())
    for (auto& drive : drives_)
      if (drive && drive->moves()) drive->interrupt_dma();
  update();
}

void IdeChannel::alarm() {
  for (auto& drive : drives_) {
    if (!drive || !drive->due()) continue;
    if (drive->moves()) {
      move(*drive);
    } else {
      drive->go_on();
    }
  }
  update();
}

void IdeChannel::move(IdeDrive& drive) {
  if (!bus_master_allowed_ || !bus_master_.ready()) {
    bus_master_.fail();
    return drive.strand();
  }
  RegionWalk walk(memory_, bus_master_.table());
  const bool complete = drive.move(walk, scratch_);
  bus_master_.end(walk, complete);
}

void IdeChannel::update() {
  const bool moving = std::any_of(drives_.begin(), drives_.end(), [](const auto& d) { return d && d->moves(); });
  if (bus_master_.ready() && !moving) {
    IdeDrive* drive = selected();
    if (drive == nullptr || !drive->waits_for_dma()) drive = drives_[(device_ & device_second) ? 0 : 1].get();
    if (drive != nullptr && drive->waits_for_dma()) drive->begin_dma();
  }

  const IdeDrive* drive = selected();
  const bool level = drive != nullptr && drive->interrupt() && !(control_bits_ & interrupts_off);
  if (level && !level_) bus_master_.interrupt();
  level_ = level;
  irq_.set(level);

  VirtualNs next = ns_never;
  for (const auto& d : drives_)
    if (d) next = std::min(next, d->deadline());
  if (alarm_ == nullptr) return;
  if (next == ns_never) {
    alarm_->cancel();
  } else {
    alarm_->set(next);
  }
}

}  // namespace lockstitch
