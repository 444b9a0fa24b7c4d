// A whole machine whose CPU state and memory are garbage: whatever the guest executes, the monitor neither crashes nor hangs
// nor leaks, and a second run of the same garbage in other pieces ends in the same digest.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/replay/support/run_trail.h"
#include "vmm/app/board.h"

using namespace lockstitch;

namespace {

constexpr std::uint64_t run_ticks = 60'000;

class Stream {
 public:
  Stream(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint64_t take(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{next()} << (8 * i);
    return value;
  }
  std::uint8_t next() { return size_ ? data_[at_++ % size_] : 0; }

 private:
  const std::uint8_t* data_;
  std::size_t size_, at_ = 0;
};

// An entry state of one of four modes with registers that often point into the garbage.
CpuState entry(Stream& in) {
  CpuState cpu = cpu_at_reset();
  const unsigned kind = in.next() % 4;
  for (auto& g : cpu.gpr) g = in.next() % 2 ? 0x7c00 + in.take(2) : in.take(8);
  cpu.rip = 0x7c00 + (in.take(1) & 0x7f);
  cpu.gpr[4] = 0x7000;
  cpu.rflags = 2 | (in.take(3) & 0x3f7fd5);
  cpu.idtr = {in.take(2), static_cast<std::uint16_t>(in.take(2))};
  cpu.gdtr = {0x7c00 + in.take(1), 0xff};
  cpu.cr4 = in.take(2) & 0x7df;
  for (auto& s : cpu.segment) s = {0, 0, 0xffff, 0x93};
  cpu.segment[1].attributes = 0x9b;
  cpu.segment[6] = {0, 0, 0, 0x10082};
  cpu.segment[7] = {0, 0x6000, 0x67, 0x8b};
  if (kind == 0) {
    cpu.rflags &= ~0x20000ull;
    return cpu;
  }
  cpu.cr0 |= 1 | (in.take(1) & 0x2e);
  if (kind == 3) {  // long mode over an identity map at 1000h
    cpu.rflags &= ~0x20000ull;
    cpu.cr4 |= 0x20;
    cpu.efer = 0xd01;
    cpu.cr3 = 0x1000;
    cpu.cr0 |= 0x8001'0000;
    cpu.segment[1].attributes = 0xa09b;
  } else {
    for (auto& s : cpu.segment) s.limit = 0xffff'ffff;
    for (unsigned i = 0; i < 6; ++i) cpu.segment[i].attributes |= 0xc000;
    if (kind == 2) {
      cpu.cr3 = 0x1000;
      cpu.cr4 &= ~0x20ull;
      cpu.cr0 |= 0x8000'0000;
    }
    if (cpu.rflags & 0x20000) {
      for (unsigned i = 0; i < 6; ++i) cpu.segment[i] = {0, 0, 0xffff, 0xf3};
    }
  }
  return cpu;
}

std::string run(const std::uint8_t* data, std::size_t size, std::uint64_t quantum_ticks) {
  app::BoardConfig config;
  config.memory_bytes = 2 << 20;
  config.machine.quantum_ticks = quantum_ticks;
  app::BootFiles boot;
  boot.kernel.assign(data, data + size);
  boot.kernel.resize(4096);
  boot.flat = true;
  auto made = app::Board::make(config, boot);
  if (!made.ok()) std::abort();
  Machine& machine = made.value()->machine();
  Stream in(data, size);
  const CpuState state = entry(in);
  const auto put = [&](Gpa gpa, std::uint64_t entry_value) {
    std::uint8_t bytes[8];
    std::memcpy(bytes, &entry_value, 8);
    machine.memory().write(gpa, bytes);
  };
  if (state.efer) {
    put(0x1000, 0x2007);
    put(0x2000, in.next() % 2 ? 0x87 : 0x3007);
    for (unsigned i = 0; i < 16; ++i) put(0x3000 + 8 * i, (i << 21) | 0x87 | (std::uint64_t{in.next()} << (in.next() % 60)));
  } else {
    for (unsigned i = 0; i < 16; ++i) put(0x1000 + 8 * i, 0x87 | in.take(4));
    put(0x1000, 0x87);
  }
  for (unsigned vector = 0; vector < 64; ++vector) put(vector * 8, in.take(8));
  machine.set_cpu(state);
  QuietSource source;
  test::TrailSink sink;
  const End end = machine.run(source, sink, Tick{run_ticks});
  return to_text(machine.digest()) + " " + std::to_string(static_cast<unsigned>(end.reason)) + " " + std::to_string(machine.tick().value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string whole = run(data, size, 50'000);
  const std::string pieces = run(data, size, 1 + (size ? data[0] : 0));
  if (whole != pieces) {
    std::fprintf(stderr, "the same garbage ended differently: %s and %s\n", whole.c_str(), pieces.c_str());
    std::abort();
  }
  return 0;
}
