// The port through which a guest's driver says that its system has crashed. Not here: what is done about it (whoever
// reads the effects).
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   ISA pvpanic (port 505h, 1 byte) with the events "panicked" and "crash loaded"
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  events that are not offered
/// Arrivals: none
/// Effects:  one byte for each event: 1 panicked, 2 crash loaded
/// Alarms:   none
/// Source:   reference/platform.md 7.16
class Pvpanic final : public Device, public RegisterWindow {
 public:
  Pvpanic(std::string name, EffectPort& events) : name_(std::move(name)), events_(events) {}

  /// Since power-on; a reset does not forget them.
  std::uint64_t panics() const { return panics_; }
  std::uint64_t crash_loads() const { return crash_loads_; }

  std::string_view name() const override { return name_; }
  void reset() override {}
  void visit(StateVisitor& visitor) override;
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

 private:
  std::string name_;
  EffectPort& events_;
  std::uint64_t panics_ = 0, crash_loads_ = 0;
};

}  // namespace lockstitch
