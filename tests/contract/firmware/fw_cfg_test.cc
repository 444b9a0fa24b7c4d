// The firmware configuration interface, read by ports and by DMA.
#include "devices/firmware/fw_cfg.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/contract/support/device_contract.h"

namespace lockstitch::test {
namespace {

struct FwCfgRig : Rig {
  TestMemory& memory = bench.memory(0x1'0000);
  FwCfg it{"fw_cfg", memory};
  FwCfgRig() {
    it.set_entry(0, {'Q', 'E', 'M', 'U'});
    it.set_entry(0x8000, {9});
    it.set_files({{"etc/b", {1, 2, 3}}, {"etc/a", std::vector<std::uint8_t>(10'000, 0x5a)}});
    windows = {{&it.ports(), 2}, {&it.dma(), 8}};
    actions = {[this](std::uint64_t r) {  // a descriptor as firmware writes it, in memory or not
      const std::uint64_t at = r & 0x8000 ? 0xffff'0000 : r & 0xff0;
      descriptor(at, r >> 16 & 0x1f, static_cast<std::uint16_t>(r >> 24 & 0x23), r >> 32 & 0x3fff, r >> 48);
      start(at);
      return std::uint64_t{it.ports().read(1, 1)};
    }};
  }
  Device& device() override { return it; }
  void descriptor(Gpa at, unsigned command, std::uint16_t key, std::uint64_t length, Gpa to) {
    std::vector<std::uint8_t> bytes;
    const auto put = [&](std::uint64_t value, unsigned width) {
      for (unsigned i = width; i-- > 0;) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    };
    put(std::uint64_t{key} << 16 | command, 4);
    put(length, 4);
    put(to, 8);
    memory.write(at, bytes);
  }
  void start(Gpa at) {
    it.dma().write(0, 4, __builtin_bswap32(static_cast<std::uint32_t>(at >> 32)));
    it.dma().write(4, 4, __builtin_bswap32(static_cast<std::uint32_t>(at)));
  }
  std::string read(std::uint16_t key, unsigned bytes) {
    it.ports().write(0, 2, key);
    std::string text;
    for (unsigned i = 0; i < bytes; ++i) text += static_cast<char>(it.ports().read(1, 1));
    return text;
  }
};

}  // namespace

TEST_CASE("fw_cfg survives save and load, resets, and is safe under any accesses and descriptors") {
  check_device_contract([] { return std::make_unique<FwCfgRig>(); });
}

TEST_CASE("entries are read byte by byte from their beginning; past the end and where nothing is there are zeros") {
  FwCfgRig rig;
  CHECK(rig.read(0, 6) == std::string("QEMU\0\0", 6));
  CHECK(rig.read(0x8000, 1) == "\x09");
  CHECK(rig.read(0x33, 2) == std::string(2, '\0'));
  CHECK(rig.it.ports().read(0, 2) == 0xffff);
}

TEST_CASE("the directory lists files by name with their sizes and keys") {
  FwCfgRig rig;
  const std::string directory = rig.read(0x19, 4 + 2 * 64);
  CHECK(directory.substr(0, 4) == std::string("\0\0\0\x02", 4));
  CHECK(directory.substr(4, 8) == std::string("\0\0\x27\x10\0\x20\0\0", 8));
  CHECK(directory.substr(12, 6) == std::string("etc/a\0", 6));
  CHECK(directory.substr(68, 8) == std::string("\0\0\0\x03\0\x21\0\0", 8));
  CHECK(rig.read(0x21, 3) == "\x01\x02\x03");
}

TEST_CASE("DMA selects, skips and reads over page borders, and clears the descriptor") {
  FwCfgRig rig;
  rig.descriptor(0x100, 8 | 2, 0x20, 9'000, 0x1ff0);
  rig.start(0x100);
  CHECK(rig.memory.ram[0x100 + 3] == 0);
  CHECK(rig.memory.ram[0x1ff0] == 0x5a);
  CHECK(rig.memory.ram[0x1ff0 + 8'999] == 0x5a);
  CHECK(rig.memory.ram[0x1ff0 + 9'000] == 0);
  rig.descriptor(0x100, 8 | 4, 0x21, 2, 0);
  rig.start(0x100);
  CHECK(rig.it.ports().read(1, 1) == 3);
}

TEST_CASE("DMA that writes, or reads to where no memory is, ends with the error bit") {
  FwCfgRig rig;
  rig.descriptor(0x100, 8 | 16, 0x20, 4, 0x200);
  rig.start(0x100);
  CHECK(rig.memory.ram[0x100 + 3] == 1);
  rig.descriptor(0x100, 8 | 2, 0x20, 4, 0xffff'ffff'0000);
  rig.start(0x100);
  CHECK(rig.memory.ram[0x100 + 3] == 1);
  CHECK(rig.it.dma().read(0, 8) == 0x4746'4320'554d'4551);
}

}  // namespace lockstitch::test
