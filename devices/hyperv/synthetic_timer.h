// The arithmetic of one synthetic timer: when it is due, and what its two registers say. Not here: what an expiry
// delivers (hyperv_interface.h). Unit of all times: 100 ns of the partition reference counter.
#pragma once
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch::hyperv {

class SyntheticTimer {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  std::uint64_t config() const { return config_; }
  std::uint64_t count() const { return count_; }
  void set_config(std::uint64_t value, std::uint64_t now);
  void set_count(std::uint64_t value, std::uint64_t now);

  bool direct() const { return config_ >> 12 & 1; }
  /// Range: the vector of direct mode.
  std::uint8_t vector() const { return static_cast<std::uint8_t>(config_ >> 4); }
  /// The SynIC source otherwise.
  unsigned source() const { return config_ >> 16 & 15; }

  /// When it expires next; `never`: it does not run. In the past: at once.
  std::uint64_t due() const { return runs() ? due_ : never; }
  /// If it has expired: where that was, and on to the next period or off. Expiries missed until now are merged.
  bool expire(std::uint64_t now, std::uint64_t& expired_at);

  /// An expiry whose message did not fit into its slot. Setting a register forgets it.
  bool waits() const { return waits_; }
  std::uint64_t waiting_since() const { return waiting_since_; }
  void wait(std::uint64_t expired_at);
  void stop_waiting() { waits_ = false; }

  void visit(StateVisitor& visitor);

 private:
  bool runs() const { return (config_ & 1) && count_ != 0; }
  bool periodic() const { return config_ >> 1 & 1; }
  bool has_target() const { return direct() || source() != 0; }
  void start(std::uint64_t now);

  std::uint64_t config_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t due_ = 0;
  bool waits_ = false;
  std::uint64_t waiting_since_ = 0;
};

}  // namespace lockstitch::hyperv
