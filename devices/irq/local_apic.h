// The local APIC of one CPU: decides which interrupt the CPU sees next. Two faces, MMIO (xAPIC) and MSRs (x2APIC), over
// the same registers. Not here: its timer's arithmetic (apic_timer.h), the I/O APIC, the CPU's IF and shadow.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/irq/apic_timer.h"
#include "devices/irq/eoi_listener.h"
#include "devices/irq/external_interrupt.h"
#include "devices/irq/tsc_port.h"
#include "devices/irq/vector_set.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   local APIC version 14h with 6 LVT entries (window FEE0_0000, 4 KiB), x2APIC, TSC-deadline timer (1 GHz)
/// Maturity: complete for one CPU
/// Missing:  IPIs to other CPUs (nobody is there); moving the window through APIC_BASE; EOI-broadcast suppression;
///           level-triggered LINT0 in fixed mode; LINT1, thermal and performance inputs (their LVT entries are stored)
/// Ignored:  SMI, remote read, ExtINT messages; lowest priority is delivered as fixed; a TSC that is written
///           while a deadline is armed can delay that deadline, never hasten it; timer expiries closer than 1 us are
///           merged
/// Arrivals: none
/// Effects:  none
/// Alarms:   one: the timer's next expiry
/// Source:   SDM 3A 10; reference/platform.md 7.9
class LocalApic final : public Device,
                        public RegisterWindow,
                        public CpuInterruptPort,
                        public MsiPort,
                        public AlarmHandler {
 public:
  /// `apic_id` 0 is the boot processor. `tsc` may be null.
  LocalApic(std::string name, std::uint8_t apic_id, CpuSignals& cpu, ClockPort& clock, const TscPort* tsc = nullptr);
  // Each called once, before anything else; a board without PIC or I/O APIC leaves them out.
  void attach_timer(AlarmPort& alarm) { timer_.attach(alarm); }
  void attach_pic(ExternalInterrupt& pic) { pic_ = &pic; }
  void attach_ioapic(EoiListener& ioapic) { eoi_listener_ = &ioapic; }

  /// The PIC's INTR wire.
  IrqLine& lint0() { return lint0_; }

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override { update(); }
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;
  void message(std::uint64_t address, std::uint32_t data) override;
  void alarm() override;

  bool interrupt_pending() const override { return request_; }
  std::uint8_t acknowledge() override;
  std::uint8_t task_priority() const override { return static_cast<std::uint8_t>(tpr_ >> 4); }
  void set_task_priority(std::uint8_t cr8) override;
  bool read_msr(std::uint32_t index, std::uint64_t& value) override;
  bool write_msr(std::uint32_t index, std::uint64_t value) override;

 private:
  enum Lvt : unsigned { lvt_timer, lvt_thermal, lvt_performance, lvt_lint0, lvt_lint1, lvt_error };
  static constexpr unsigned lvt_count = 6;

  class Lint0 final : public IrqLine {
   public:
    explicit Lint0(LocalApic& apic) : apic_(apic) {}
    void set(bool level) override { apic_.set_lint0(level); }

   private:
    LocalApic& apic_;
  };

  bool enabled() const;           ///< APIC_BASE.EN
  bool x2apic() const;            ///< APIC_BASE.EXTD
  bool software_enabled() const;  ///< and SVR bit 8
  bool accepts_external() const;
  void set_lint0(bool level);
  void reset_registers();
  void update();

  std::uint8_t processor_priority() const;
  /// Registers by index: MMIO offset / 16, MSR number - 800h.
  bool read_register(unsigned index, std::uint32_t& value) const;
  bool write_register(unsigned index, std::uint32_t value);
  void write_lvt(unsigned entry, std::uint32_t value);
  void write_spurious(std::uint32_t value);
  bool write_apic_base(std::uint64_t value);
  bool write_x2apic(unsigned index, std::uint64_t value);
  std::uint32_t logical_id() const;

  void error(std::uint32_t bit);
  void end_of_interrupt();
  void send(std::uint64_t command);
  bool is_addressed(std::uint32_t destination, bool logical, bool extended) const;
  void deliver(unsigned mode, std::uint8_t vector, bool level_triggered);
  void deliver_lvt(unsigned entry);

  std::string name_;
  std::uint8_t id_;
  CpuSignals& cpu_;
  ApicTimer timer_;
  ExternalInterrupt* pic_ = nullptr;
  EoiListener* eoi_listener_ = nullptr;
  Lint0 lint0_{*this};

  std::uint64_t apic_base_ = 0;
  std::uint8_t tpr_ = 0;
  std::uint32_t logical_destination_ = 0;  ///< xAPIC LDR
  std::uint32_t destination_format_ = 0;   ///< DFR
  std::uint32_t spurious_ = 0;             ///< SVR
  std::uint32_t errors_ = 0;               ///< ESR as the guest reads it
  std::uint32_t new_errors_ = 0;           ///< since the last write of ESR
  std::uint64_t command_ = 0;              ///< ICR
  std::array<std::uint32_t, lvt_count> lvt_{};
  VectorSet requested_, in_service_, level_triggered_;  ///< IRR, ISR, TMR
  bool lint0_level_ = false;

  bool request_ = false;  ///< derived by update()
};

}  // namespace lockstitch
