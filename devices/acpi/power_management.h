// The power management block of a PIIX4: PM1 event and control registers, the ACPI timer, the SMI command port and an
// empty GPE block. Not here: the PCI function that places the block.
#pragma once
#include <array>
#include <string>

#include "devices/byte_window.h"

namespace lockstitch {

/// Models:   PIIX4 PM I/O block (64 bytes at PMBA), APM ports (B2h, 2 bytes), GPE0 (AFE0h, 4 bytes)
/// Maturity: what ACPI guests use
/// Missing:  sleep states other than S5 (SLP_EN with SLP_TYP other than 0 wakes at once); SMI; GPE sources
/// Ignored:  GBL_RLS, BM_RLD; registers without a meaning here are stored
/// Arrivals: none (the power button is a control of the machine: press_power_button)
/// Effects:  none
/// Alarms:   one: the ACPI timer's bit 23 toggles while TMR_EN is set and TMR_STS is clear
/// Source:   reference/platform.md 2.1, 7.3; ACPI 6.4 4.8
class PowerManagement final : public Device, public AlarmHandler {
 public:
  PowerManagement(std::string name, IrqLine& sci, PowerPort& power, ClockPort& clock);
  /// Called once, before anything else.
  void attach(AlarmPort& timer);

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void alarm() override;

  /// 64 bytes.
  RegisterWindow& pm_block() { return pm_window_; }
  /// 2 bytes: SMI command and status.
  RegisterWindow& apm() { return apm_window_; }
  /// 4 bytes: status, enable.
  RegisterWindow& gpe() { return gpe_window_; }

  void press_power_button();

 private:
  std::uint8_t read_pm(std::uint64_t offset);
  void write_pm(std::uint64_t offset, std::uint8_t value);
  std::uint8_t read_apm(std::uint64_t offset) { return apm_[offset & 1]; }
  void write_apm(std::uint64_t offset, std::uint8_t value);
  std::uint8_t read_gpe(std::uint64_t offset) { return offset < 2 ? 0 : gpe_enable_[offset & 1]; }
  void write_gpe(std::uint64_t offset, std::uint8_t value);
  std::uint64_t timer_toggles() const;
  void settle();
  void update();

  std::string name_;
  IrqLine& sci_;
  PowerPort& power_;
  ClockPort& clock_;
  AlarmPort* timer_ = nullptr;
  ByteWindowOf<PowerManagement> pm_window_{*this, &PowerManagement::read_pm, &PowerManagement::write_pm};
  ByteWindowOf<PowerManagement> apm_window_{*this, &PowerManagement::read_apm, &PowerManagement::write_apm};
  ByteWindowOf<PowerManagement> gpe_window_{*this, &PowerManagement::read_gpe, &PowerManagement::write_gpe};

  std::uint16_t status_ = 0;
  std::uint16_t enable_ = 0;
  std::uint16_t control_ = 0;
  std::uint64_t seen_toggles_ = 0;  ///< of timer bit 23, up to the last settle()
  std::array<std::uint8_t, 64> stored_{};
  std::array<std::uint8_t, 2> apm_{};
  std::array<std::uint8_t, 2> gpe_enable_{};
};

}  // namespace lockstitch
