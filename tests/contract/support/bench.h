// A workbench for one device: a clock that the test moves, alarms that ring as the machine's would, and recorders for
// every narrow port of lockstitch/device.h. All of it is Stateful, so that a device can be moved to a second bench.
#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lockstitch/device.h"

namespace lockstitch::test {

class TestClock final : public ClockPort {
 public:
  VirtualNs time{0};
  VirtualNs now() const override { return time; }
};

/// A wire that remembers its level and counts rising edges; may pass its level on.
class TestLine final : public IrqLine {
 public:
  bool level = false;
  std::uint64_t rises = 0;
  IrqLine* onward = nullptr;
  void set(bool to) override {
    if (to && !level) ++rises;
    level = to;
    if (onward != nullptr) onward->set(to);
  }
};

class TestAlarm final : public AlarmPort {
 public:
  explicit TestAlarm(AlarmHandler& rings) : handler(rings) {}
  AlarmHandler& handler;
  VirtualNs deadline = ns_never;
  std::uint64_t rung = 0;
  bool armed() const { return deadline != ns_never; }
  void set(VirtualNs at) override { deadline = at; }
  void cancel() override { deadline = ns_never; }
};

/// Keeps every effect as its own message.
class TestEffects final : public EffectPort {
 public:
  std::vector<std::vector<std::uint8_t>> messages;
  void emit(Bytes payload) override { messages.emplace_back(payload.begin(), payload.end()); }
  std::string text() const {
    std::string all;
    for (const auto& m : messages) all.append(m.begin(), m.end());
    return all;
  }
};

class TestPower final : public PowerPort {
 public:
  std::uint64_t offs = 0, resets = 0;
  std::vector<std::uint8_t> exits;
  void power_off() override { ++offs; }
  void reset() override { ++resets; }
  void debug_exit(std::uint8_t code) override { exits.push_back(code); }
};

class TestMsi final : public MsiPort {
 public:
  std::vector<std::pair<std::uint64_t, std::uint32_t>> messages;
  void message(std::uint64_t address, std::uint32_t data) override { messages.emplace_back(address, data); }
};

class TestSignals final : public CpuSignals {
 public:
  std::uint64_t nmis = 0, inits = 0;
  std::vector<std::uint8_t> startups;
  void nmi() override { ++nmis; }
  void init() override { ++inits; }
  void startup(std::uint8_t vector) override { startups.push_back(vector); }
};

class TestMap final : public MapPort {
 public:
  bool placed = false;
  std::uint64_t base = 0;
  void place(std::uint64_t at) override {
    placed = true;
    base = at;
  }
  void remove() override {
    placed = false;
    base = 0;
  }
};

/// RAM from address 0; all else is not memory.
class TestMemory final : public GuestMemory {
 public:
  explicit TestMemory(std::size_t size) : ram(size) {}
  std::vector<std::uint8_t> ram;
  bool read(Gpa gpa, MutableBytes out) override {
    const std::uint64_t n = inside(gpa, out.size());
    if (n != 0) std::copy_n(ram.begin() + static_cast<std::ptrdiff_t>(gpa), n, out.begin());
    return n == out.size();
  }
  bool write(Gpa gpa, Bytes in) override {
    const std::uint64_t n = inside(gpa, in.size());
    if (n != 0) std::copy_n(in.begin(), n, ram.begin() + static_cast<std::ptrdiff_t>(gpa));
    return n == in.size();
  }
  MemoryPage page(Gpa gpa) override {
    gpa &= ~page_mask;
    if (gpa + page_bytes > ram.size() || gpa + page_bytes < gpa) return {};
    return {ram.data() + gpa, true};
  }
  void mark_dirty(Gpa) override {}
  void observe(MemoryObserver&) override {}

 private:
  std::uint64_t inside(Gpa gpa, std::uint64_t length) const {
    return gpa >= ram.size() ? 0 : std::min<std::uint64_t>(length, ram.size() - gpa);
  }
};

/// Owns what a device is connected to. References stay valid for the life of the bench.
class Bench final : public Stateful {
 public:
  TestClock clock;
  TestEffects effects;
  TestPower power;
  TestMsi msi;
  TestSignals signals;

  TestLine& line() { return *lines_.emplace_back(std::make_unique<TestLine>()); }
  TestAlarm& alarm(AlarmHandler& handler) { return *alarms_.emplace_back(std::make_unique<TestAlarm>(handler)); }
  TestMap& map() { return *maps_.emplace_back(std::make_unique<TestMap>()); }
  TestMemory& memory(std::size_t size) { return *memories_.emplace_back(std::make_unique<TestMemory>(size)); }

  /// Moves the clock on, ringing every alarm exactly at its deadline; one that is re-armed into the past rings one
  /// nanosecond (one tick) later.
  void advance(std::uint64_t ns) {
    const VirtualNs end = clock.time + ns;
    for (;;) {
      VirtualNs next = ns_never;
      for (const auto& a : alarms_) next = std::min(next, a->deadline);
      if (next == ns_never || std::max(next, clock.time) > end) break;
      clock.time = std::max(next, clock.time);
      ring_due();
      if (any_due()) {
        if (clock.time == end) break;
        clock.time = clock.time + 1;
      }
    }
    clock.time = end;
  }
  /// Moves the clock in one step: alarms ring late and once, as after a long instruction or a jump of the clock.
  void jump(std::uint64_t ns) {
    clock.time = clock.time + ns;
    ring_due();
  }

  void visit(StateVisitor& v) override {
    Section section(v, "bench");
    v.field("time_ns", clock.time);
    for (std::size_t i = 0; i < alarms_.size(); ++i) v.field("alarm" + std::to_string(i), alarms_[i]->deadline);
    for (std::size_t i = 0; i < lines_.size(); ++i) v.field("line" + std::to_string(i), lines_[i]->level);
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      v.field("placed" + std::to_string(i), maps_[i]->placed);
      v.field("base" + std::to_string(i), maps_[i]->base);
    }
    for (std::size_t i = 0; i < memories_.size(); ++i) v.bytes("memory" + std::to_string(i), memories_[i]->ram);
  }

  /// Everything that left the device since the last call, as text for comparison.
  std::string take_outputs() {
    std::string all;
    for (const auto& m : effects.messages) {
      all += "effect ";
      for (std::uint8_t b : m) all += std::to_string(b) + " ";
    }
    for (const auto& [address, data] : msi.messages)
      all += "msi " + std::to_string(address) + " " + std::to_string(data) + " ";
    for (std::uint8_t code : power.exits) all += "exit " + std::to_string(code) + " ";
    for (std::uint8_t vector : signals.startups) all += "startup " + std::to_string(vector) + " ";
    all += "off " + std::to_string(power.offs) + " reset " + std::to_string(power.resets) + " nmi " +
           std::to_string(signals.nmis) + " init " + std::to_string(signals.inits);
    for (const auto& l : lines_) all += " rises " + std::to_string(std::exchange(l->rises, 0));
    effects = {};
    msi = {};
    power = {};
    signals = {};
    return all;
  }

 private:
  bool any_due() const {
    return std::any_of(alarms_.begin(), alarms_.end(), [this](const auto& a) { return a->deadline <= clock.time; });
  }
  void ring_due() {
    std::vector<TestAlarm*> due;
    for (const auto& a : alarms_)
      if (a->armed() && a->deadline <= clock.time) due.push_back(a.get());
    std::stable_sort(due.begin(), due.end(), [](auto* a, auto* b) { return a->deadline < b->deadline; });
    for (TestAlarm* a : due) {
      if (!a->armed() || a->deadline > clock.time) continue;  // an earlier handler changed it
      a->deadline = ns_never;
      ++a->rung;
      a->handler.alarm();
    }
  }

  std::vector<std::unique_ptr<TestLine>> lines_;
  std::vector<std::unique_ptr<TestAlarm>> alarms_;
  std::vector<std::unique_ptr<TestMap>> maps_;
  std::vector<std::unique_ptr<TestMemory>> memories_;
};

}  // namespace lockstitch::test
