// The interpreter with another unit of ticks: accesses that leave through the door and HLTs instead of instructions
// (TickUnit::exit). What a KVM engine that is entered only at exits can count, this one repeats. The guest's TSC stands
// still between two exits. Not here: debuggers; their places are instructions.
#pragma once
#include "vmm/engine/interp/interp.h"

namespace lockstitch::interp {

class ExitCounting final : public Engine, private ExitDoor {
 public:
  ExitCounting(GuestMemory& memory, CpuModel model, Patience patience = {});

  EngineTraits traits() const override;
  Exit run(const RunRequest& request, ExitDoor& door) override;
  bool accepts_interrupt() const override { return inner_.accepts_interrupt(); }
  bool accepts_nmi() const override { return inner_.accepts_nmi(); }
  Activity activity() const override { return inner_.activity(); }
  void wake() override { inner_.wake(); }
  void set_state(const CpuState& state) override { inner_.set_state(state); }
  CpuState state() const override;
  void drop_caches() override { inner_.drop_caches(); }
  void memory_written(Gpa gpa, std::uint64_t length) override { inner_.memory_written(gpa, length); }
  void memory_remapped() override { inner_.memory_remapped(); }
  void dirty_cleared() override { inner_.dirty_cleared(); }

 private:
  ExitReply leave(const Exit& exit) override;

  Interp inner_;
  const Patience patience_;
  ExitDoor* door_ = nullptr;
  Tick tick_, bound_;
  Tick inner_tick_;     ///< instructions, from an arbitrary zero
};

}  // namespace lockstitch::interp
