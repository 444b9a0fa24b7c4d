// A wire that can be cut: while the HPET replaces PIT and RTC their interrupts do not reach the controllers. Not here:
// when that is so (hpet.h).
#pragma once
#include "lockstitch/device.h"

namespace lockstitch {

class IrqGate final : public IrqLine, public Stateful {
 public:
  /// `onward` is low now. The gate is open.
  explicit IrqGate(IrqLine& onward) : onward_(onward) {}

  void set(bool level) override {
    level_ = level;
    onward_.set(level_ && open_);
  }
  void set_open(bool open) {
    open_ = open;
    onward_.set(level_ && open_);
  }
  bool is_open() const { return open_; }
  void visit(StateVisitor& visitor) override {
    visitor.field("level", level_);
    visitor.field("open", open_);
  }

 private:
  IrqLine& onward_;
  bool level_ = false;
  bool open_ = true;
};

}  // namespace lockstitch
