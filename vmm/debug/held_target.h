// The machine of a follower that was taken out of its pair, as gdb's stub sees it: it stands where it is. Only to be
// looked at, for its leader goes on and this replica will have to join again.
#pragma once
#include "vmm/gdb/target.h"
#include "vmm/machine/machine.h"

namespace lockstitch::debug {

class HeldTarget final : public gdb::Target {
 public:
  explicit HeldTarget(Machine& machine) : machine_(machine) {}

  bool can_go_back() const override { return false; }
  CpuState cpu() override { return machine_.cpu(); }
  Result<std::string> set_cpu(const CpuState&) override { return looked_at_only(); }
  std::uint64_t read_memory(std::uint64_t address, MutableBytes out) override;
  Result<std::string> write_memory(std::uint64_t, Bytes) override { return looked_at_only(); }
  std::uint64_t read_physical(std::uint64_t address, MutableBytes out) override;
  Result<std::string> write_physical(std::uint64_t, Bytes) override { return looked_at_only(); }
  void set_watched(const gdb::Watched&) override {}
  gdb::Stop resume(const gdb::Resume&, const std::function<bool()>&) override;
  Result<std::string> monitor(std::string_view line, const std::function<bool()>&) override;
  void detached() override {}

 private:
  static Error looked_at_only();

  Machine& machine_;
};

/// What `monitor` says of any machine that stands still. Nothing: it is another command.
std::optional<Result<std::string>> say_of(Machine& machine, std::string_view line);

}  // namespace lockstitch::debug
