// Executes one instruction in the interpreter under the conditions of native.h: user mode, the same linear addresses, the
// same descriptor table as Linux has, exception handlers that only tell that they were reached.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "lockstitch/engine.h"
#include "tests/differential/layout.h"
#include "tests/differential/registers.h"
#include "vmm/engine/interp/interp.h"

namespace lockstitch::differential {

/// Guest-physical memory from 0, on whole pages of the host. Not here: ROM, MMIO, dirty tracking.
class FlatMemory final : public GuestMemory {
 public:
  explicit FlatMemory(std::size_t bytes);
  bool read(Gpa gpa, MutableBytes out) override;
  bool write(Gpa gpa, Bytes in) override;
  MemoryPage page(Gpa gpa) override;
  std::vector<MappedRange> ranges() const override { return {{0, bytes_.size(), bytes_.data(), true}}; }
  void mark_dirty(Gpa) override {}
  void observe(MemoryObserver& observer) override { observers_.push_back(&observer); }

  std::span<std::uint8_t> at(Gpa gpa, std::size_t length) { return bytes_.subspan(gpa, length); }
  /// As a device would: tells the observers.
  void changed(Gpa gpa, std::size_t length);

 private:
  std::vector<std::uint8_t> room_;
  std::span<std::uint8_t> bytes_;
  std::vector<MemoryObserver*> observers_;
};

class EngineSide {
 public:
  /// `make`: another engine than the interpreter.
  using Make = std::function<std::unique_ptr<Engine>(GuestMemory&)>;
  explicit EngineSide(const Make& make = {});

  std::span<std::uint8_t> data();
  /// After a change of data() from outside.
  void data_changed();

  Outcome run(const Case& which);

 private:
  void map(std::uint64_t linear, Gpa gpa, std::uint64_t flags);
  CpuState initial(const Case& which) const;

  FlatMemory memory_;
  Gpa next_table_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace lockstitch::differential
