// The vectors of one function that signals interrupts with messages: table, pending bits and masks. Not here: the
// capability in configuration space, whose two control bits come in through control(). Source: PCI 3.0 6.8.2.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/device.h"

namespace lockstitch {

/// One window of 4 KiB: table at 0, pending bits at 800h. Range: up to 64 vectors.
class Msix final : public RegisterWindow {
 public:
  static constexpr unsigned window_bytes = 4096;
  static constexpr unsigned pending_offset = 0x800;

  Msix(MsiPort& port, unsigned vectors);

  unsigned vectors() const { return static_cast<unsigned>(entries_.size()); }
  /// Enable and function mask of the capability's message control. deliver() then sends what that released.
  void control(bool enabled, bool masked);
  void deliver();
  /// Sends the vector's message, or leaves it pending while it is masked. A vector that does not exist does nothing.
  void raise(unsigned vector);
  void clear_pending() { pending_ = 0; }

  void reset();
  void visit(StateVisitor& visitor);

  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

 private:
  struct Entry {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    bool masked = true;
  };
  std::uint32_t read_dword(unsigned index) const;
  void write_dword(unsigned index, std::uint32_t value);

  MsiPort& port_;
  bool enabled_ = false;  ///< a copy of configuration space, as is masked_
  bool masked_ = false;

  std::vector<Entry> entries_;
  std::uint64_t pending_ = 0;
};

}  // namespace lockstitch
