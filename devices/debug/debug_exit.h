// The port through which a test guest ends the run with a code. What the code means is the application's business.
#pragma once
#include <string>

#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   ISA debug-exit (port 501h, 4 bytes)
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  writes that do not start at the first port; value bits above 7
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   reference/platform.md 2.3
class DebugExit final : public Device, public RegisterWindow {
 public:
  DebugExit(std::string name, PowerPort& power) : name_(std::move(name)), power_(power) {}

  std::string_view name() const override { return name_; }
  void reset() override {}
  void visit(StateVisitor&) override {}
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

 private:
  std::string name_;
  PowerPort& power_;
};

}  // namespace lockstitch
