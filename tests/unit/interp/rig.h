// A bare CPU for tests of the engine: the interpreter over a flat memory in 64-bit mode with identity-mapped 4 KiB pages, a
// descriptor table like Linux's, handlers that halt, and a door that answers as the test says.
#pragma once
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "vmm/engine/interp/interp.h"

namespace lockstitch::test {

class RigMemory final : public GuestMemory {
 public:
  explicit RigMemory(std::size_t bytes) : bytes_(bytes) {}
  bool read(Gpa gpa, MutableBytes out) override {
    if (gpa + out.size() > bytes_.size()) return false;
    std::memcpy(out.data(), bytes_.data() + gpa, out.size());
    return true;
  }
  bool write(Gpa gpa, Bytes in) override {
    if (gpa + in.size() > bytes_.size()) return false;
    std::memcpy(bytes_.data() + gpa, in.data(), in.size());
    for (MemoryObserver* observer : observers_) observer->memory_written(gpa, in.size());
    return true;
  }
  MemoryPage page(Gpa gpa) override {
    const Gpa base = gpa & ~page_mask;
    if (base + page_bytes > bytes_.size()) return {};
    return {bytes_.data() + base, true};
  }
  void mark_dirty(Gpa gpa) override { dirty.insert(gpa & ~page_mask); }
  void observe(MemoryObserver& observer) override { observers_.push_back(&observer); }

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  std::set<Gpa> dirty;

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<MemoryObserver*> observers_;
};

class RigDoor final : public ExitDoor {
 public:
  ExitReply leave(const Exit& exit) override {
    seen.push_back(exit);
    ExitReply reply;
    reply.bound = bound;
    if (answer) answer(exit, reply);
    return reply;
  }
  std::function<void(const Exit&, ExitReply&)> answer;
  std::vector<Exit> seen;
  Tick bound;  ///< of the current run
};

namespace place {
inline constexpr Gpa pml4 = 0x1000, pdpt = 0x2000, pd = 0x3000, pt = 0x4000, gdt = 0x5000, idt = 0x6000, tss = 0x7000, stack_top = 0xa000,
                     handlers = 0xb000, code = 0x1'0000, data = 0x2'0000, mmio = 0x1f'f000, memory_bytes = 0x20'0000;
}

class Rig {
 public:
  explicit Rig(interp::CpuModel model = {})
      : memory(place::memory_bytes), engine(std::make_unique<interp::Interp>(memory, model)) {
    memory.observe(*engine);
    put64(place::pml4, place::pdpt | 7);
    put64(place::pdpt, place::pd | 7);
    put64(place::pd, place::pt | 7);
    for (Gpa at = 0; at < place::memory_bytes; at += page_bytes) put64(pte(at), at | 7);
    put64(pte(place::mmio), 0x4000'0000 | 7);  // nothing there: MMIO
    const std::uint64_t descriptors[] = {0,
                                         0x00cf'9b00'0000'ffff,
                                         0x00af'9b00'0000'ffff,
                                         0x00cf'9300'0000'ffff,
                                         0x00cf'fb00'0000'ffff,
                                         0x00cf'f300'0000'ffff,
                                         0x00af'fb00'0000'ffff};
    for (unsigned i = 0; i < 7; ++i) put64(place::gdt + 8 * i, descriptors[i]);
    put64(place::tss + 4, place::stack_top);
    for (unsigned v = 0; v < 256; ++v) {
      const std::uint64_t target = place::handlers + v * 16;
      put64(place::idt + v * 16, (target & 0xffff) | 0x10ull << 16 | 0xee00ull << 32 | (target >> 16 & 0xffff) << 48);
      put64(place::idt + v * 16 + 8, 0);
      put(target, {0xf4});
    }
    engine->set_state(initial());
  }

  static Gpa pte(std::uint64_t linear) { return place::pt + (linear >> 12) * 8; }

  CpuState initial(unsigned cpl = 0) const {
    CpuState s;
    const std::uint32_t dpl = cpl << 5;
    const auto rpl = static_cast<std::uint16_t>(cpl);
    for (unsigned i = 0; i < 4; ++i) s.segment[i] = {static_cast<std::uint16_t>((cpl ? 0x28 : 0x18) | rpl), 0, 0xffff'ffff, 0xc093 | dpl};
    s.segment[1] = {static_cast<std::uint16_t>((cpl ? 0x30 : 0x10) | rpl), 0, 0xffff'ffff, 0xa09b | dpl};
    s.segment[4] = s.segment[5] = {0, 0, 0, 0x1'0000};
    s.segment[6] = {0, 0, 0, 0x1'0082};
    s.segment[7] = {0x40, place::tss, 0x67, 0x8b};
    s.gdtr = {place::gdt, 0x7f};
    s.idtr = {place::idt, 0xfff};
    s.cr0 = 0x8001'0033;
    s.cr3 = place::pml4;
    s.cr4 = 0x620;
    s.efer = 0xd01;
    s.dr[6] = 0xffff'0ff0;
    s.dr[7] = 0x400;
    s.rip = place::code;
    s.gpr[4] = place::stack_top;
    return s;
  }

  void put(Gpa at, std::initializer_list<std::uint8_t> bytes) { memory.write(at, std::vector<std::uint8_t>(bytes)); }
  void put64(Gpa at, std::uint64_t value) {
    std::uint8_t bytes[8];
    std::memcpy(bytes, &value, 8);
    memory.write(at, bytes);
  }
  std::uint64_t get64(Gpa at) const {
    std::uint64_t value = 0;
    std::memcpy(&value, memory.bytes().data() + at, 8);
    return value;
  }

  /// Changes a copy of the state and loads it.
  template <class Change>
  void change(Change change) {
    CpuState s = engine->state();
    change(s);
    engine->set_state(s);
  }

  Exit run(std::uint64_t ticks) {
    RunRequest request;
    return run(ticks, request);
  }
  Exit run(std::uint64_t ticks, RunRequest request) {
    request.start = tick;
    request.bound = door.bound = tick + ticks;
    request.clock = clock;
    const Exit exit = engine->run(request, door);
    tick = exit.tick;
    return exit;
  }
  std::uint64_t gpr(Gpr which) const { return engine->state().gpr[unsigned(which)]; }

  RigMemory memory;
  std::unique_ptr<interp::Interp> engine;
  RigDoor door;
  Tick tick{1000};
  ClockLine clock;
};

/// The state as text, one line for each field: what tests compare and print.
class StateText final : public StateVisitor {
 public:
  static std::vector<std::string> of(CpuState state) {
    StateText text;
    state.visit(text);
    return std::move(text.lines_);
  }
  void enter(std::string_view section) override { path_ += std::string(section) + "/"; }
  void leave() override {
    path_.pop_back();
    path_.erase(path_.rfind('/') == std::string::npos ? 0 : path_.rfind('/') + 1);
  }
  void number(std::string_view name, std::uint64_t& value, unsigned) override {
    char text[24];
    std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
    lines_.push_back(path_ + std::string(name) + "=" + text);
  }
  void bytes(std::string_view name, MutableBytes value) override {
    std::string line = path_ + std::string(name) + "=";
    for (std::size_t i = value.size(); i-- > 0;) {
      char text[4];
      std::snprintf(text, sizeof text, "%02x", value[i]);
      line += text;
    }
    lines_.push_back(line);
  }
  void blob(std::string_view, std::vector<std::uint8_t>&, std::size_t) override {}
  bool loading() const override { return false; }
  void fail(std::string_view) override {}

 private:
  std::string path_;
  std::vector<std::string> lines_;
};

}  // namespace lockstitch::test
