// All alarms of the machine: who is to be called at which virtual time. They are saved here, under their names, so that
// devices need not. Rings are ordered by (deadline, order of making). Not here: when to look (machine.h).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/device.h"

namespace lockstitch {

class Alarms final : public Stateful {
 public:
  Alarms();
  ~Alarms() override;

  /// Order: making order breaks ties between equal deadlines. Names must differ. The reference lives as long as this.
  AlarmPort& make(std::string name, AlarmHandler& handler);

  /// The earliest deadline; ns_never when no alarm is set.
  VirtualNs next() const { return next_; }

  /// Rings what is due, one at a time, each alarm at most once; one that is set into the past again by then waits for
  /// the next call. Returns the number of rings.
  std::uint64_t fire_due(VirtualNs now);

  void visit(StateVisitor& visitor) override;
  void loaded() override;

 private:
  class Alarm;

  void find_next();

  std::vector<std::unique_ptr<Alarm>> alarms_;
  VirtualNs next_ = ns_never;
  std::uint64_t round_ = 0;  ///< counts fire_due calls that rang; not state
};

}  // namespace lockstitch
