// One instruction on the interpreter: 64-bit mode at CPL 0, flat, with an exception handler per vector that halts.
#pragma once
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "lockstitch/guest_memory.h"
#include "vmm/engine/interp/interp.h"

namespace lockstitch::test {

inline constexpr std::uint64_t window = 0x1000'0000;      ///< a second linear address of the first 2 MiB
inline constexpr std::uint64_t scratch_gpa = 0x2'0000;    ///< operands in memory, one page
inline constexpr std::uint64_t scratch = window + scratch_gpa;
inline constexpr std::uint64_t code_at = 0x1'0000, stack_top = 0x3'0000, handlers = 0x8000;

class Ram final : public GuestMemory {
 public:
  Ram() : bytes_((2u << 20) + page_bytes) {
    base_ = bytes_.data() + (page_bytes - reinterpret_cast<std::uintptr_t>(bytes_.data()) % page_bytes) % page_bytes;
  }
  std::uint8_t* at(Gpa gpa) { return base_ + gpa; }
  void put64(Gpa gpa, std::uint64_t value) { std::memcpy(at(gpa), &value, 8); }

  bool read(Gpa gpa, MutableBytes out) override {
    std::memcpy(out.data(), at(gpa), out.size());
    return true;
  }
  bool write(Gpa gpa, Bytes in) override {
    std::memcpy(at(gpa), in.data(), in.size());
    return true;
  }
  MemoryPage page(Gpa gpa) override { return gpa < (2u << 20) ? MemoryPage{at(gpa & ~page_mask), true} : MemoryPage{}; }
  void mark_dirty(Gpa) override {}
  void observe(MemoryObserver&) override {}

 private:
  std::vector<std::uint8_t> bytes_;
  std::uint8_t* base_;
};

class NoDoor final : public ExitDoor {
 public:
  ExitReply leave(const Exit& exit) override {
    ++exits;
    return {0, false, exit.tick + 1'000'000};
  }
  unsigned exits = 0;
};

/// A CPU in 64-bit mode, ready to run at code_at.
inline CpuState long_mode_cpu() {
  CpuState cpu = cpu_at_reset();
  cpu.rip = code_at;
  cpu.cr0 = 0x8001'0031;  // PG WP NE ET PE
  cpu.cr3 = 0x1000;
  cpu.cr4 = 0x620;  // PAE OSFXSR OSXMMEXCPT
  cpu.efer = 0x500;
  for (auto name : {SegmentName::es, SegmentName::ss, SegmentName::ds, SegmentName::fs, SegmentName::gs})
    cpu.segment[unsigned(name)] = {0x10, 0, 0xffff'ffff, 0xc093};
  cpu.segment[unsigned(SegmentName::cs)] = {8, 0, 0xffff'ffff, 0xa09b};
  cpu.gdtr = {0x6000, 0xff};
  cpu.idtr = {0x4000, 0xfff};
  cpu.gpr[unsigned(Gpr::rsp)] = stack_top;
  cpu.fpu_control = 0x37f;
  return cpu;
}

class EngineRig {
 public:
  EngineRig() : engine_(std::make_unique<interp::Interp>(ram)) {
    ram.put64(0x1000, 0x2003);
    ram.put64(0x2000, 0x3003);
    ram.put64(0x3000, 0x83);
    ram.put64(0x3000 + 8 * (window >> 21), 0x83);
    ram.put64(0x6008, 0x00af'9b00'0000'ffff);
    ram.put64(0x6010, 0x00cf'9300'0000'ffff);
    for (unsigned v = 0; v < 256; ++v) {
      const std::uint64_t handler = handlers + 16 * v;
      ram.put64(0x4000 + 16 * v, (handler & 0xffff) | 8ull << 16 | 0x8eull << 40 | (handler >> 16 & 0xffff) << 48);
      ram.put64(0x4008 + 16 * v, 0);
      *ram.at(handler) = 0xf4;
    }
  }

  struct Outcome {
    CpuState cpu;
    std::optional<unsigned> vector;
  };
  /// Runs `count` instructions from cpu.rip.
  Outcome run(const CpuState& cpu, Bytes code, unsigned count = 1) {
    std::memcpy(ram.at(cpu.rip), code.data(), code.size());
    engine_->set_state(cpu);
    engine_->drop_caches();
    RunRequest request;
    request.start = {1000};
    request.bound = {1000 + count};
    const Exit exit = engine_->run(request, door);
    Outcome out{engine_->state(), {}};
    if (exit.kind == ExitKind::halted) out.vector = static_cast<unsigned>((out.cpu.rip - 1 - handlers) / 16);
    return out;
  }

  Ram ram;
  NoDoor door;

 private:
  std::unique_ptr<interp::Interp> engine_;
};

}  // namespace lockstitch::test
