// Routes port and memory-mapped accesses to the windows of devices. Reads that nobody answers are all ones, such writes
// are dropped; both are counted. Not here: RAM and ROM (memory.h), which the engine reaches without the bus.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "lockstitch/device.h"
#include "vmm/machine/address_space.h"
#include "vmm/machine/memory.h"

namespace lockstitch {

class Bus final : public Stateful {
 public:
  explicit Bus(Memory& memory);
  ~Bus() override;

  /// Fixed windows. Fails: false when the place overlaps another window (or RAM or ROM), or leaves the space.
  bool add_ports(std::uint16_t base, std::uint32_t length, RegisterWindow& window);
  bool add_memory(Gpa base, std::uint64_t length, RegisterWindow& window);
  /// A window that may lie below read-only memory (flash): it gets the writes there, and reads while no memory is
  /// there.
  bool add_memory_below(Gpa base, std::uint64_t length, RegisterWindow& window);

  /// Relocatable windows, at first off the bus. The reference lives as long as the bus.
  MapPort& make_port_bar(std::uint32_t length, RegisterWindow& window);
  MapPort& make_memory_bar(std::uint64_t length, RegisterWindow& window);
  /// A device's memory, at first nowhere. Lives as long as the bus. What the guest must not write may be placed above a
  /// window of add_memory_below(). Order: before the machine's first digest.
  DeviceMemory& make_device_memory(std::uint64_t bytes, bool guest_writes);

  /// Range: width 1, 2 or 4. An access that is not inside one window is split into bytes, as an ISA bus does.
  std::uint64_t read_port(std::uint16_t port, unsigned width);
  void write_port(std::uint16_t port, unsigned width, std::uint64_t value);
  /// Range: width 1, 2, 4 or 8. An access that is not inside one window is nobody's.
  std::uint64_t read_memory(Gpa gpa, unsigned width);
  void write_memory(Gpa gpa, unsigned width, std::uint64_t value);

  /// Accesses that no window answered, since the start. Not state.
  std::uint64_t unclaimed() const { return unclaimed_; }
  void drop_caches();

  /// Where the relocatable windows are: whether a place was refused depends on the past, so it is state.
  void visit(StateVisitor& visitor) override;
  /// To be called after the devices' loaded(), whose own placements it overrides.
  void loaded() override;

 private:
  class Bar;
  class Block;

  template <class Enter, class Leave>
  MapPort& add_bar(Enter enter, Leave leave);
  bool add_window(AddressSpace& space, std::uint64_t base, std::uint64_t length, RegisterWindow& window);

  Memory& memory_;
  AddressSpace ports_;
  AddressSpace memory_mapped_;
  std::vector<std::unique_ptr<Bar>> bars_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::uint64_t unclaimed_ = 0;
};

}  // namespace lockstitch
