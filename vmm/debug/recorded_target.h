// A recorded machine as gdb's stub sees it: moves along the timeline, memory and registers of this moment, diversions.
// What `monitor` offers is in monitor.h.
#pragma once
#include "vmm/debug/monitor.h"
#include "vmm/debug/timeline.h"
#include "vmm/gdb/target.h"

namespace lockstitch::debug {

/// What is watched, as the engine is told.
WatchSet watch_set(const gdb::Watched& watched);

class RecordedTarget final : public gdb::Target {
 public:
  RecordedTarget(Machine& machine, Timeline& timeline, Monitor& monitor)
      : machine_(machine), timeline_(timeline), monitor_(monitor) {}

  bool can_go_back() const override { return true; }
  CpuState cpu() override { return machine_.cpu(); }
  Result<std::string> set_cpu(const CpuState& state) override;
  std::uint64_t read_memory(std::uint64_t address, MutableBytes out) override;
  Result<std::string> write_memory(std::uint64_t address, Bytes in) override;
  std::uint64_t read_physical(std::uint64_t address, MutableBytes out) override;
  Result<std::string> write_physical(std::uint64_t address, Bytes in) override;
  void set_watched(const gdb::Watched& watched) override { watched_ = watched; }
  gdb::Stop resume(const gdb::Resume& how, const std::function<bool()>& interrupted) override;
  Result<std::string> monitor(std::string_view line, const std::function<bool()>& interrupted) override;
  void detached() override { watched_ = {}; }

 private:
  std::string divert();
  gdb::Stop step(const gdb::Resume& how, const std::function<bool()>& interrupted);
  gdb::Stop stop_of(Arrived arrived) const;

  Machine& machine_;
  Timeline& timeline_;
  Monitor& monitor_;
  gdb::Watched watched_;
};

}  // namespace lockstitch::debug
