// Each virtio device on a bench, behind its transport, with a careless guest: besides random register accesses it
// brings the device up, offers chains that are mostly sensible, and scribbles over its rings.
#pragma once
#include <optional>
#include <string>

#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_pci.h"
#include "devices/virtio/virtio_rng.h"
#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/random.h"
#include "tests/contract/support/rig.h"
#include "tests/contract/virtio/memory_disk.h"

namespace lockstitch::test {

/// A part of a window, so that random accesses meet registers more often than gaps.
class PartWindow final : public RegisterWindow {
 public:
  PartWindow(RegisterWindow& whole, std::uint64_t start) : whole_(whole), start_(start) {}
  std::uint64_t read(std::uint64_t offset, unsigned width) override { return whole_.read(start_ + offset, width); }
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
    whole_.write(start_ + offset, width, value);
  }

 private:
  RegisterWindow& whole_;
  std::uint64_t start_;
};

/// A transport and its surroundings. Its memory is small so that random addresses hit it.
class VirtioRig : public Rig {
 public:
  static constexpr std::size_t memory_bytes = 0x8000;
  TestMemory& memory;
  TestLine& line = bench.line();
  std::optional<VirtioPci> pci;

  Device& device() override { return *pci; }

 protected:
  explicit VirtioRig(std::size_t bytes) : memory(bench.memory(bytes)) {}

  void connect(VirtioDevice& device) {
    pci.emplace("virtio", memory, bench.msi, line, device);
    pci->attach(bench.map(), bench.map());
    config_.emplace(*pci);
    common_.emplace(pci->registers(), 0x0000);
    isr_.emplace(pci->registers(), 0x1000);
    notify_.emplace(pci->registers(), 0x3000);
    windows = {{&*config_, 256, 4},       {&*common_, 0x38}, {&*common_, 0x38}, {&*isr_, 8},
               {&*notify_, 16},           {&pci->msix_window(), Msix::window_bytes}, {&pci->msix_window(), 64},
               {&pci->registers(), VirtioPci::register_bytes}};
    queues_ = device.queues();
    actions = {[this](std::uint64_t r) { return bring_up(r); }, [this](std::uint64_t r) { return offer(r); },
               [this](std::uint64_t r) { return offer(r); },    [this](std::uint64_t r) { return offer(r); },
               [this](std::uint64_t r) { return offer(r); },    [this](std::uint64_t r) { return scribble(r); },
               [this](std::uint64_t r) { return access_by_capability(r); },
               [this](std::uint64_t r) {
                 if (r % 64 == 0) pci->reset();
                 pci->write_config(0x04, 2, 0x0006);
                 return 0;
               }};
  }

 private:
  static constexpr unsigned ring_bytes = 0x1000, ring_entries = 16, data_start = 0x4000;

  void put(Gpa gpa, unsigned width, std::uint64_t value) {
    for (unsigned i = 0; i < width; ++i)
      memory.ram[(gpa + i) % memory.ram.size()] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::uint64_t bring_up(std::uint64_t r) {
    RegisterWindow& w = pci->registers();
    pci->write_config(0x04, 2, r & 1 ? 0x0406 : 0x0006);
    w.write(0x14, 1, 0);
    w.write(0x14, 1, 3);
    for (unsigned i = 0; i < 2; ++i) {
      w.write(0x00, 4, i);
      w.write(0x08, 4, i);
      w.write(0x0c, 4, w.read(0x04, 4) & ~(r & 2 ? r : 0));
    }
    w.write(0x14, 1, 0x0b);
    for (unsigned i = 0; i < queues_; ++i) {
      w.write(0x16, 2, i);
      w.write(0x18, 2, ring_entries);
      w.write(0x1a, 2, i);
      w.write(0x20, 8, ring_bytes * i);
      w.write(0x28, 8, ring_bytes * i + 0x400);
      w.write(0x30, 8, ring_bytes * i + 0x800);
      put(ring_bytes * i + 0x402, 2, 0);
      w.write(0x1c, 2, 1);
    }
    w.write(0x14, 1, 0x0f);
    return w.read(0x14, 1);
  }

  std::uint64_t offer(std::uint64_t r) {
    Random random(r);
    if (pci->registers().read(0x14, 1) != 0x0f && !random.one_in(4)) bring_up(r & ~3ull);
    const auto queue = static_cast<unsigned>(random.below(queues_));
    const Gpa table = ring_bytes * queue, available = table + 0x400;
    const auto index = static_cast<unsigned>(memory.ram[available + 2] | memory.ram[available + 3] << 8);
    const auto head = static_cast<unsigned>(random.below(ring_entries));
    const auto count = static_cast<unsigned>(random.below(5) + 1);
    const auto readable = static_cast<unsigned>(random.one_in(4)   ? random.below(count + 1)
                                                : random.one_in(2) ? 1
                                                                   : count - 1);
    Gpa at = data_start + random.below(0x1000);
    put(at, 4, random.one_in(4) ? random.below(10) : random.below(2));  // what may be the header of a disk request
    put(at + 8, 8, random.below(random.one_in(4) ? 0x1'0000 : 40));
    for (unsigned i = 0; i < count; ++i) {
      const Gpa d = table + 16 * ((head + i) % ring_entries);
      const std::uint64_t bytes = i == 0 ? 16 : i + 1 == count && !random.one_in(4) ? 1 : random.below(5) * 512;
      put(d, 8, random.one_in(64) ? random.next() : at);
      put(d + 8, 4, random.one_in(64) ? random.next() : bytes);
      put(d + 12, 2, (i + 1 < count ? 1u : 0u) | (i >= readable ? 2u : 0u) | (random.one_in(64) ? 4u : 0u));
      put(d + 14, 2, random.one_in(64) ? random.next() : (head + i + 1) % ring_entries);
      at += bytes;
    }
    put(available + 4 + 2 * (index % ring_entries), 2, head);
    put(available + 2, 2, index + 1);
    if (random.one_in(2)) pci->registers().write(0x3000 + 4 * queue, 2, queue);
    if (random.one_in(2)) bench.advance(random.below(200'000));
    return index;
  }

  std::uint64_t access_by_capability(std::uint64_t r) {
    unsigned at = pci->read_config(0x34, 1);
    while (pci->read_config(at, 1) != 0x09 || pci->read_config(at + 3, 1) != 5) at = pci->read_config(at + 1, 1);
    Random random(r);
    pci->write_config(at + 4, 1, random.one_in(8) ? static_cast<std::uint32_t>(r) : random.one_in(2) ? 4 : 1);
    const std::uint64_t offset = random.below(4) * 0x1000 + random.below(0x40);
    pci->write_config(at + 8, 4, static_cast<std::uint32_t>(random.one_in(8) ? random.next() : offset));
    pci->write_config(at + 12, 4, 1u << random.below(4));
    if (random.one_in(2)) return pci->read_config(at + 16, 4);
    pci->write_config(at + 16, 4, static_cast<std::uint32_t>(random.below(0x100)));
    return 0;
  }

  std::uint64_t scribble(std::uint64_t r) {
    put((r >> 8) % data_start, 1, r);
    return 0;
  }

  unsigned queues_ = 0;
  std::optional<ConfigWindow> config_;
  std::optional<PartWindow> common_, isr_, notify_;
};

class BlkRig final : public VirtioRig {
 public:
  TestMemory& contents;
  MemoryDisk disk{contents};
  VirtioBlk blk{disk, bench.clock, "lockstitch-disk-0"};
  TestAlarm& completion = bench.alarm(blk);
  explicit BlkRig(std::size_t memory_size = memory_bytes, std::size_t disk_bytes = 0x4000, bool read_only = false)
      : VirtioRig(memory_size), contents(bench.memory(disk_bytes)) {
    disk.locked = read_only;
    blk.attach(completion);
    connect(blk);
  }
};

class NetRig final : public VirtioRig {
 public:
  VirtioNet net{{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}, bench.effects};
  explicit NetRig(std::size_t memory_size = memory_bytes) : VirtioRig(memory_size) {
    connect(net);
    arrivals = {&net};
  }
};

class ConsoleRig final : public VirtioRig {
 public:
  VirtioConsole console{bench.effects};
  explicit ConsoleRig(std::size_t memory_size = memory_bytes) : VirtioRig(memory_size) {
    connect(console);
    arrivals = {&console};
  }
};

class RngRig final : public VirtioRig {
 public:
  VirtioRng rng;
  explicit RngRig(std::uint8_t seed = 1, std::size_t memory_size = memory_bytes)
      : VirtioRig(memory_size), rng(ChachaRandom::Seed{seed}) {
    keeps_contents = true;
    connect(rng);
  }
};

}  // namespace lockstitch::test
