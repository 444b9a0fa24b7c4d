// Where one relocatable window lies now, so that its MapPort is told only of changes. Derived state: whoever owns it
// computes the place from registers and calls settle() again after a load.
#pragma once
#include <cstdint>
#include <optional>

#include "lockstitch/assert.h"
#include "lockstitch/device.h"

namespace lockstitch {

class PlacedWindow {
 public:
  void attach(MapPort& port) { port_ = &port; }
  bool placed_at(std::optional<std::uint64_t> base) const { return base == base_; }

  void move_to(std::optional<std::uint64_t> base) {
    if (base != base_) settle(base);
  }
  /// As move_to, but also tells the port what it should already know.
  void settle(std::optional<std::uint64_t> base) {
    LS_ASSERT(port_ != nullptr);
    base_ = base;
    if (base) {
      port_->place(*base);
    } else {
      port_->remove();
    }
  }

 private:
  MapPort* port_ = nullptr;
  std::optional<std::uint64_t> base_;
};

}  // namespace lockstitch
