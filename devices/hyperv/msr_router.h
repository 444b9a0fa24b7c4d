// Between a CPU's exits and the two that answer them: accesses to 4000_0000h-4000_01FFh go to the hypervisor interface,
// all else to the local APIC. Ends interrupts of SynIC sources that want it. Holds no state.
#pragma once
#include <cstdint>

#include "devices/hyperv/hyperv_interface.h"
#include "devices/irq/local_apic.h"
#include "lockstitch/device.h"

namespace lockstitch {

class MsrRouter final : public CpuInterruptPort {
 public:
  MsrRouter(LocalApic& apic, HypervInterface& hyperv) : apic_(apic), hyperv_(hyperv) {}

  bool interrupt_pending() const override { return apic_.interrupt_pending(); }
  std::uint8_t acknowledge() override;
  std::uint8_t task_priority() const override { return apic_.task_priority(); }
  void set_task_priority(std::uint8_t cr8) override { apic_.set_task_priority(cr8); }
  bool read_msr(std::uint32_t index, std::uint64_t& value) override;
  /// 10h carries not the TSC but its distance from virtual time: the engine tells it when that may have changed.
  bool write_msr(std::uint32_t index, std::uint64_t value) override;

 private:
  bool in_service(std::uint8_t vector);

  LocalApic& apic_;
  HypervInterface& hyperv_;
};

}  // namespace lockstitch
