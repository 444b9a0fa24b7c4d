// Remembers what a device asked of the machine as a whole until the current instruction has ended.
#pragma once
#include "lockstitch/device.h"

namespace lockstitch {

enum class PowerRequest : std::uint8_t { none, power_off, reset, debug_exit };

class PowerRequests final : public PowerPort {
 public:
  void power_off() override { ask(PowerRequest::power_off); }
  void reset() override { ask(PowerRequest::reset); }
  void debug_exit(std::uint8_t code) override {
    if (ask(PowerRequest::debug_exit)) exit_code_ = code;
  }

  bool pending() const { return request_ != PowerRequest::none; }
  std::uint8_t exit_code() const { return exit_code_; }
  PowerRequest take() {
    const PowerRequest request = request_;
    request_ = PowerRequest::none;
    return request;
  }

 private:
  /// The first request wins.
  bool ask(PowerRequest request) {
    if (pending()) return false;
    request_ = request;
    return true;
  }

  PowerRequest request_ = PowerRequest::none;
  std::uint8_t exit_code_ = 0;
};

}  // namespace lockstitch
