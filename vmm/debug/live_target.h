// A machine that runs live as gdb's stub sees it: forwards only, and what is changed is changed. Guest time stands
// while it is held; with a realtime clock the guest then sees a jump.
#pragma once
#include "lockstitch/sink.h"
#include "lockstitch/source.h"
#include "vmm/gdb/target.h"
#include "vmm/machine/machine.h"

namespace lockstitch::debug {

class LiveTarget final : public gdb::Target {
 public:
  /// `exit_code`: of an end, as the program would give it. `between_passes`: called between two of them while it runs.
  LiveTarget(Machine& machine, Source& source, Sink& sink, Tick stop_at,
             std::function<std::uint8_t(const End&)> exit_code, std::function<void()> between_passes)
      : machine_(machine),
        source_(source),
        sink_(sink),
        stop_at_(stop_at),
        exit_code_(std::move(exit_code)),
        between_passes_(std::move(between_passes)) {}

  bool can_go_back() const override { return false; }
  CpuState cpu() override { return machine_.cpu(); }
  Result<std::string> set_cpu(const CpuState& state) override;
  std::uint64_t read_memory(std::uint64_t address, MutableBytes out) override;
  Result<std::string> write_memory(std::uint64_t address, Bytes in) override;
  std::uint64_t read_physical(std::uint64_t address, MutableBytes out) override;
  Result<std::string> write_physical(std::uint64_t address, Bytes in) override;
  void set_watched(const gdb::Watched& watched) override;
  gdb::Stop resume(const gdb::Resume& how, const std::function<bool()>& interrupted) override;
  Result<std::string> monitor(std::string_view line, const std::function<bool()>& interrupted) override;
  void detached() override { set_watched({}); }

  /// The machine is over.
  const std::optional<End>& end() const { return end_; }
  /// One pass without a debugger.
  void run_on();

 private:
  std::optional<gdb::Stop> note(const std::optional<End>& end);

  Machine& machine_;
  Source& source_;
  Sink& sink_;
  const Tick stop_at_;
  const std::function<std::uint8_t(const End&)> exit_code_;
  const std::function<void()> between_passes_;
  gdb::Watched watched_;
  std::optional<End> end_;
};

}  // namespace lockstitch::debug
