// Where one relocatable window should lie, so that its MapPort is told only of changes. Derived state: whoever owns it
// computes the place from registers. The mapping itself is saved with the bus, so a load calls adopt(), not move_to().
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
    if (base == base_) return;
    LS_ASSERT(port_ != nullptr);
    base_ = base;
    if (base) {
      port_->place(*base);
    } else {
      port_->remove();
    }
  }
  /// Where the window has been told to lie already. Telling the port again could place a window that was refused.
  void adopt(std::optional<std::uint64_t> base) { base_ = base; }

 private:
  MapPort* port_ = nullptr;
  std::optional<std::uint64_t> base_;
};

}  // namespace lockstitch
