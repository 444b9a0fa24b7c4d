// Engines that take turns: from given ticks on another one executes the guest. What one leaves the next one takes up:
// all of the CPU's state, at a boundary.
#pragma once
#include <memory>
#include <vector>

#include "lockstitch/engine.h"

namespace lockstitch::app {

class EngineRelay final : public Engine {
 public:
  struct Turn {
    Tick from;
    std::size_t engine = 0;  ///< index
  };

  /// Order: turns ascend, the first from tick 0 on.
  EngineRelay(std::vector<std::unique_ptr<Engine>> engines, std::vector<Turn> turns);

  EngineTraits traits() const override;
  Exit run(const RunRequest& request, ExitDoor& door) override;
  bool accepts_interrupt() const override { return current().accepts_interrupt(); }
  bool accepts_nmi() const override { return current().accepts_nmi(); }
  Activity activity() const override { return current().activity(); }
  void wake() override { current().wake(); }
  void set_state(const CpuState& state) override { current().set_state(state); }
  CpuState state() const override { return current().state(); }
  void drop_caches() override;
  std::vector<EngineCounter> engine_counters() const override;
  void memory_written(Gpa gpa, std::uint64_t length) override;
  void memory_remapped() override;
  void dirty_cleared() override;
  void collect_writes() override;

 private:
  Engine& current() const { return *engines_[turns_[turn_].engine]; }
  void change(std::size_t turn);

  const std::vector<std::unique_ptr<Engine>> engines_;
  const std::vector<Turn> turns_;
  std::size_t turn_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace lockstitch::app
