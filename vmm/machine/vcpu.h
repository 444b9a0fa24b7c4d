// One CPU: an engine on a fiber of its own, so that an instruction may stop at each of its accesses and go on with the
// answer (ARCHITECTURE 5). Between runs the fiber stands on an instruction boundary.
#pragma once
#include <memory>

#include "lockstitch/engine.h"
#include "vmm/machine/fiber.h"

namespace lockstitch {

class Vcpu final : public Stateful, private ExitDoor {
 public:
  explicit Vcpu(std::unique_ptr<Engine> engine);

  /// Starts a run. Order: only at a boundary.
  Exit resume(const RunRequest& request);
  /// Answers an exit in mid-instruction and goes on. Order: only in mid-instruction.
  Exit reply(const ExitReply& reply);
  bool mid_instruction() const { return mid_instruction_; }

  Engine& engine() { return *engine_; }
  bool accepts_interrupt() const { return engine_->accepts_interrupt(); }
  bool accepts_nmi() const { return engine_->accepts_nmi(); }
  Activity activity() const { return engine_->activity(); }
  EngineTraits traits() const { return engine_->traits(); }
  std::vector<EngineCounter> counters() const { return engine_->engine_counters(); }
  void wake() { engine_->wake(); }
  void drop_caches() { engine_->drop_caches(); }
  bool can_watch() const { return engine_->can_watch(); }
  std::optional<WatchHit> take_hit() { return engine_->take_hit(); }
  std::uint32_t delivered() const { return engine_->delivered(); }

  // Order: the rest only at a boundary (asserted).
  CpuState state() const;
  void set_state(const CpuState& state);
  void set_watched(const WatchSet& set);
  /// INIT to a bootstrap processor (SDM 3A table 9-1): registers as after reset; TSC, MTRRs, x87, SSE and most MSRs
  /// stay.
  void init();
  /// A startup IPI; ignored unless the CPU waits for one (SDM 3A 8.4.4).
  void startup(std::uint8_t vector);

  void visit(StateVisitor& visitor) override;

 private:
  ExitReply leave(const Exit& exit) override;

  std::unique_ptr<Engine> engine_;
  bool mid_instruction_ = false;
  Fiber fiber_;
};

}  // namespace lockstitch
