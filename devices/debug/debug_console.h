// The debug console of firmware builds: one port, one byte out per write. Not a serial port: nothing ever comes in.
#pragma once
#include <string>

#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   Bochs/QEMU debug console (port 402h, 1 byte)
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  bytes of a wide write above the first
/// Arrivals: none
/// Effects:  each written byte
/// Alarms:   none
/// Source:   reference/platform.md 2.3, 7.16
class DebugConsole final : public Device, public RegisterWindow {
 public:
  DebugConsole(std::string name, EffectPort& output) : name_(std::move(name)), output_(output) {}

  std::string_view name() const override { return name_; }
  void reset() override {}
  void visit(StateVisitor&) override {}
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

 private:
  std::string name_;
  EffectPort& output_;
};

}  // namespace lockstitch
