// The IDE function on a bench with a disk, a read-only disk and a CD drive, and a careless guest that gives commands
// which mostly make sense.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "devices/ide/ide_controller.h"
#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/random.h"
#include "tests/contract/support/rig.h"
#include "tests/contract/virtio/memory_disk.h"

namespace lockstitch::test {

/// Which drives are there. The first channel has a disk and a read-only disk, the second a CD drive and no slave.
enum class IdeDrives { none, disks, all };

class IdeRig : public Rig {
 public:
  static constexpr std::size_t default_memory_bytes = 0x8000, default_disk_bytes = 0x8000, medium_bytes = 0x5000;

  TestMemory& memory;
  TestMemory &disk_contents, &locked_contents;
  std::array<TestMemory*, 2> media_contents;
  MemoryDisk disk{disk_contents}, locked_disk{locked_contents};
  std::array<MemoryDisk, 2> media{MemoryDisk(*media_contents[0]), MemoryDisk(*media_contents[1])};
  std::array<TestLine*, 2> lines{&bench.line(), &bench.line()};
  IdeController it{"ide", memory, bench.clock, *lines[0], *lines[1]};
  TestMap& bar = bench.map();
  ArrivalHandler* tray = nullptr;

  explicit IdeRig(IdeDrives drives = IdeDrives::all, std::size_t memory_bytes = default_memory_bytes,
                  std::size_t disk_bytes = default_disk_bytes)
      : memory(bench.memory(memory_bytes)),
        disk_contents(bench.memory(disk_bytes)),
        locked_contents(bench.memory(0x1000)),
        media_contents{&bench.memory(medium_bytes), &bench.memory(medium_bytes - 0x800)} {
    locked_disk.locked = true;
    for (auto& byte : media_contents[1]->ram) byte ^= 0x5a;
    if (drives != IdeDrives::none) {
      it.attach_disk(0, 0, disk, "LS0001");
      it.attach_disk(0, 1, locked_disk, "LS0002");
    }
    if (drives == IdeDrives::all) {
      tray = &it.attach_cdrom(1, 0, {&media[0], &media[1]});
      arrivals = {tray};
      keeps_contents = true;  // the medium stays in the drive
    }
    it.attach(bench.alarm(it.channel_alarm(0)), bench.alarm(it.channel_alarm(1)), bar);
    windows = {{&config_, 256, 4},    {&it.task_file(0), 8},  {&it.task_file(1), 8},
               {&it.task_file(0), 8}, {&it.task_file(1), 8},  {&it.control(0), 1},
               {&it.control(1), 1},   {&it.bus_master(), 16}, {&it.bus_master(), 16, 4}};
    actions = {[this](std::uint64_t r) { return give_command(r); }, [this](std::uint64_t r) { return give_command(r); },
               [this](std::uint64_t r) { return give_packet(r); },  [this](std::uint64_t r) { return give_packet(r); },
               [this](std::uint64_t r) { return move_data(r); },    [this](std::uint64_t r) { return move_data(r); },
               [this](std::uint64_t r) { return prepare_dma(r); },  [this](std::uint64_t r) { return look(r); },
               [this](std::uint64_t r) { return change_medium(r); }};
  }
  Device& device() override { return it; }

 private:
  RegisterWindow& ports(std::uint64_t r) { return it.task_file(r & 1); }

  /// Everything that can be read without a side effect, and then the status with its side effect.
  std::uint64_t look(std::uint64_t r) {
    std::uint64_t all = it.control(r & 1).read(0, 1);
    for (unsigned i = 1; i < 8; ++i) all = all * 0x100'0000'01b3 + ports(r).read(i, 1);
    for (unsigned i = 0; i < 16; ++i) all = all * 0x100'0000'01b3 + it.bus_master().read(i, 1);
    return all;
  }

  std::uint64_t give_command(std::uint64_t r) {
    static constexpr std::array<std::uint8_t, 28> codes = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0xc4, 0xc5,
                                                           0xc6, 0xc8, 0xca, 0x40, 0x42, 0xe7, 0xea, 0xec, 0xa1, 0xef,
                                                           0x90, 0x91, 0x10, 0x08, 0xe5, 0x3d, 0xce, 0xb0};
    Random random(r);
    RegisterWindow& w = it.task_file(random.one_in(8) ? 1 : 0);
    revive(random, random.one_in(8) ? 1 : 0);
    const bool lba = !random.one_in(4);
    w.write(6, 1, (lba ? 0x40 : 0) | (random.one_in(4) ? 0x10 : 0) | (lba ? 0 : random.below(3)));
    w.write(1, 1, random.one_in(2) ? random.below(256) : 3);
    for (unsigned i = 0; i < 4; ++i) w.write(2 + i, 1, 0);
    w.write(2, 1, random.one_in(16) ? random.below(256) : 1 + random.below(20));
    w.write(3, 1, random.below(random.one_in(8) ? 256 : 50));
    const std::uint8_t code = codes[random.below(codes.size())];
    if (random.one_in(2)) start_dma(random, 0);
    w.write(7, 1, code);
    return w.read(6, 1) | carry_on(random, 0) << 8;
  }

  std::uint64_t give_packet(std::uint64_t r) {
    static constexpr std::array<std::uint8_t, 24> codes = {0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x28,
                                                           0x28, 0xa8, 0x43, 0x46, 0x4a, 0x51, 0x52, 0x55,
                                                           0x5a, 0x5c, 0xac, 0xad, 0xb6, 0xbd, 0xbe, 0x2b};
    Random random(r);
    RegisterWindow& w = it.task_file(1);
    revive(random, 1);
    w.write(6, 1, 0);
    const bool dma = random.one_in(3);
    w.write(1, 1, dma);
    static constexpr std::array<std::uint16_t, 6> limits = {0x800, 0xfffe, 0, 1, 0x1001, 0x7f};
    const std::uint16_t limit = limits[random.below(limits.size())];
    w.write(4, 1, limit & 0xff);
    w.write(5, 1, limit >> 8);
    w.write(7, 1, 0xa0);
    if (dma) start_dma(random, 1);
    std::array<std::uint8_t, 12> packet{};
    packet[0] = random.one_in(16) ? static_cast<std::uint8_t>(random.next()) : codes[random.below(codes.size())];
    if (random.one_in(2)) {
      for (unsigned i = 1; i < 12; ++i) packet[i] = static_cast<std::uint8_t>(random.one_in(3) ? random.next() : 0);
    } else {
      packet[1] = random.below(3) | (packet[0] == 0x4a);
      packet[packet[0] == 0x12 || packet[0] == 0x03 || packet[0] == 0x4a ? 4 : 2] = packet[0] == 0x5a ? 0x3f : 0x10;
      if (packet[0] == 0x28 || packet[0] == 0xa8 || packet[0] == 0xbe) packet[2] = 0;
      packet[5] = static_cast<std::uint8_t>(random.below(11));
      packet[packet[0] == 0xa8 ? 9 : 8] = static_cast<std::uint8_t>(random.below(random.one_in(4) ? 256 : 5));
      if (packet[0] == 0x1b) packet[4] = static_cast<std::uint8_t>(random.below(4));
      if (packet[0] == 0xbe) packet[9] = 0x10;
    }
    for (unsigned i = 0; i < 12; i += 2) w.write(0, 2, packet[i] | packet[i + 1] << 8);
    return w.read(2, 1) | carry_on(random, 1) << 8;
  }

  /// Waits and moves data for a while, and then loses interest.
  std::uint64_t carry_on(Random& random, unsigned channel) {
    RegisterWindow& w = it.task_file(channel);
    std::uint64_t all = 0;
    for (std::uint64_t turns = random.below(8); turns > 0; --turns) {
      bench.advance(random.one_in(8) ? 300'000 : 6'000);
      const std::uint64_t words = random.one_in(8) ? random.below(300) : 256;
      const bool writes = random.one_in(3);
      for (std::uint64_t i = 0; i < words && (it.control(channel).read(0, 1) & 8); ++i) {
        if (writes) w.write(0, 2, (i * 7 + turns) & 0xffff);
        all = all * 0x100'0000'01b3 + w.read(writes ? 2 : 0, writes ? 1 : 2);
      }
      all += w.read(7, 1);
    }
    return all;
  }

  std::uint64_t move_data(std::uint64_t r) {
    RegisterWindow& w = ports(r);
    if (r & 2) bench.advance(6'000);
    const unsigned count = r >> 8 & 0x3ff, width = r & 4 ? 2 : 4;
    std::uint64_t all = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (r & 8) {
        w.write(0, width, r * i & ones(width));
      } else {
        all = all * 0x100'0000'01b3 + w.read(0, width);
      }
    }
    return all;
  }

  std::uint64_t prepare_dma(std::uint64_t r) {
    Random random(r);
    start_dma(random, r & 1);
    return it.bus_master().read(8 * (r & 1) + 2, 1);
  }

  void start_dma(Random& random, unsigned channel) {
    it.write_config(4, 2, random.one_in(16) ? 1 : 5);
    Gpa at = (random.one_in(16) ? random.next() : random.below(0x4000)) & 0xffff'fffc;
    RegisterWindow& w = it.bus_master();
    w.write(8 * channel, 1, 0);
    w.write(8 * channel + 2, 1, 6);
    w.write(8 * channel + 4, 4, at);
    const unsigned count = 1 + static_cast<unsigned>(random.below(6));
    for (unsigned i = 0; i < count; ++i, at += 8) {
      put(at, 4, random.one_in(32) ? random.next() : random.below(0x4000));
      put(at + 4, 4,
          (random.one_in(8) ? random.below(0x1'0000) : 512 * random.below(9)) |
              (i + 1 == count && !random.one_in(16) ? 0x8000'0000 : 0));
    }
    w.write(8 * channel, 1, 1 | (random.one_in(2) ? 8 : 0));
  }

  std::uint64_t change_medium(std::uint64_t r) {
    if (tray == nullptr || r % 4 != 0) return 0;
    const std::uint8_t payload[] = {static_cast<std::uint8_t>(r & 0x10 ? 0xff : r >> 8 & 1)};
    tray->arrive(payload);
    return 0;
  }

  /// A guest that has lost its way resets the channel.
  void revive(Random& random, unsigned channel) {
    if ((it.control(channel).read(0, 1) & 0x88) == 0 || random.one_in(6)) return;
    it.control(channel).write(0, 1, 4);
    it.control(channel).write(0, 1, random.one_in(2) ? 2 : 0);
    bench.advance(10'000);
  }

  void put(Gpa gpa, unsigned width, std::uint64_t value) {
    for (unsigned i = 0; i < width; ++i)
      memory.ram[(gpa + i) % memory.ram.size()] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  ConfigWindow config_{it};
};

}  // namespace lockstitch::test
