// Remembers the signals of the local interrupt controller until the CPU stands on a boundary and takes them.
#pragma once
#include <optional>

#include "lockstitch/device.h"

namespace lockstitch {

class SignalLatches final : public CpuSignals, public Stateful {
 public:
  void nmi() override { nmi_ = true; }
  void init() override {
    init_ = true;
    startup_.reset();
  }
  void startup(std::uint8_t vector) override { startup_ = vector; }

  /// At most one NMI waits (SDM 3A 6.7.1).
  bool nmi_waits() const { return nmi_; }
  void nmi_taken() { nmi_ = false; }

  /// INIT or a startup waits: to be taken at the end of the instruction, INIT first.
  bool reset_waits() const { return init_ || startup_.has_value(); }
  bool take_init() {
    const bool was = init_;
    init_ = false;
    return was;
  }
  std::optional<std::uint8_t> take_startup() {
    const std::optional<std::uint8_t> was = startup_;
    startup_.reset();
    return was;
  }

  void clear() { *this = SignalLatches(); }

  /// Only an NMI can wait between two passes of the loop.
  void visit(StateVisitor& visitor) override { visitor.field("nmi", nmi_); }

 private:
  bool nmi_ = false;
  bool init_ = false;
  std::optional<std::uint8_t> startup_;
};

}  // namespace lockstitch
