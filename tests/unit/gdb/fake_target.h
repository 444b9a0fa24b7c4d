// A machine that only remembers: memory is an array, stops are those that a test has put there, and what the stub asked
// for is kept. Stepping moves RIP by one.
#pragma once
#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "vmm/gdb/target.h"

namespace lockstitch::test {

class FakeTarget final : public gdb::Target {
 public:
  static constexpr std::uint64_t memory_at = 0x1000;

  FakeTarget() : memory(0x2000) {
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::uint8_t>(i * 7);
    state.segment[unsigned(SegmentName::cs)].attributes = 0xa09b;
    state.efer = 0x500;
    state.cr0 = 0x8000'0001;
    state.rip = memory_at;
  }

  bool can_go_back() const override { return goes_back; }
  CpuState cpu() override { return state; }
  Result<std::string> set_cpu(const CpuState& wanted) override {
    if (!refusal.empty()) return Error{ExitCode::usage, refusal};
    state = wanted;
    return note_once();
  }
  std::uint64_t read_memory(std::uint64_t address, MutableBytes out) override { return read(memory, address, out); }
  Result<std::string> write_memory(std::uint64_t address, Bytes in) override { return write(memory, address, in); }
  std::uint64_t read_physical(std::uint64_t address, MutableBytes out) override { return read(physical, address, out); }
  Result<std::string> write_physical(std::uint64_t address, Bytes in) override { return write(physical, address, in); }
  void set_watched(const gdb::Watched& now) override { watched = now; }

  gdb::Stop resume(const gdb::Resume& how, const std::function<bool()>& interrupted) override {
    resumes.push_back(how);
    watched_at_moves.push_back(watched);
    while (runs_until_interrupted) {
      if (interrupted()) return {gdb::StopReason::interrupted, {}, 0, 0, ""};
    }
    if (how.move == gdb::Move::step) ++state.rip;
    if (how.move == gdb::Move::step_back) --state.rip;
    if (stops.empty()) return {};
    const gdb::Stop stop = stops.front();
    stops.pop_front();
    if (stop.reason == gdb::StopReason::breakpoint) state.rip = stop.address;
    return stop;
  }

  Result<std::string> monitor(std::string_view line, const std::function<bool()>&) override {
    lines.emplace_back(line);
    if (line == "fail") return Error{ExitCode::usage, "there is no such thing"};
    if (line == "long") return std::string(50'000, 'x') + "\n";
    return "you said " + std::string(line) + "\n";
  }
  void detached() override {
    ++times_detached;
    watched = {};
  }

  CpuState state;
  std::vector<std::uint8_t> memory;
  std::vector<std::uint8_t> physical = std::vector<std::uint8_t>(0x2000, 0xee);
  bool goes_back = true;
  bool runs_until_interrupted = false;
  std::string refusal;  ///< of all writes; empty: they are done
  std::string note;     ///< of the first write
  std::deque<gdb::Stop> stops;

  gdb::Watched watched;
  std::vector<gdb::Watched> watched_at_moves;
  std::vector<gdb::Resume> resumes;
  std::vector<std::string> lines;
  int times_detached = 0;

 private:
  std::string note_once() { return std::exchange(note, ""); }

  static std::uint64_t read(const std::vector<std::uint8_t>& from, std::uint64_t address, MutableBytes out) {
    const std::uint64_t at = address - memory_at;
    if (address < memory_at || at >= from.size()) return 0;
    const std::uint64_t there = std::min<std::uint64_t>(out.size(), from.size() - at);
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at), there, out.begin());
    return there;
  }
  Result<std::string> write(std::vector<std::uint8_t>& to, std::uint64_t address, Bytes in) {
    if (!refusal.empty()) return Error{ExitCode::usage, refusal};
    const std::uint64_t at = address - memory_at;
    if (address < memory_at || at > to.size() || in.size() > to.size() - at) {
      return Error{ExitCode::usage, "there is no memory"};
    }
    std::copy(in.begin(), in.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
    return note_once();
  }
};

}  // namespace lockstitch::test
