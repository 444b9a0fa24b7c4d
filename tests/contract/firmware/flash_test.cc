// The flash that keeps UEFI variables, driven as OVMF does.
#include <doctest/doctest.h>

#include "devices/firmware/cfi_flash.h"
#include "tests/contract/support/device_contract.h"
#include "tests/contract/video/video_memory.h"

namespace lockstitch::test {
namespace {

constexpr std::uint64_t flash_bytes = 16384;
constexpr Gpa flash_gpa = 0xffc0'0000;

struct FlashRig : Rig {
  TestMap& map = bench.map();
  VideoMemory storage{flash_bytes, map};
  CfiFlash it{"flash", storage, flash_gpa};
  FlashRig() {
    it.load(std::vector<std::uint8_t>(flash_bytes, 0xf0));
    it.reset();
    keeps_contents = true;
    windows = {{&it, flash_bytes}};
    actions = {[this](std::uint64_t r) {
      static constexpr std::array<std::uint8_t, 8> commands{0x10, 0x40, 0x20, 0xd0, 0x50, 0x70, 0xff, 0x90};
      it.write(r % flash_bytes, 1, commands[r >> 32 & 7]);
      return it.read(0, 1);
    }};
  }
  Device& device() override { return it; }
  void visit(StateVisitor& v) override {
    Rig::visit(v);
    storage.visit(v);
  }
  std::uint8_t at(std::uint64_t offset) { return storage.contents()[offset]; }
};

}  // namespace

TEST_CASE("flash survives save and load and is safe under any accesses") {
  check_device_contract([] { return std::make_unique<FlashRig>(); });
}

TEST_CASE("firmware tells flash from ROM: the status is zero once it was cleared") {
  FlashRig rig;
  CHECK(rig.map.base == flash_gpa);
  rig.it.write(5, 1, 0x50);
  rig.it.write(5, 1, 0x70);
  CHECK(!rig.map.placed);
  CHECK(rig.it.read(5, 1) == 0);
  rig.it.write(5, 1, 0xff);
  CHECK(rig.map.base == flash_gpa);
  CHECK(rig.at(5) == 0xf0);
}

TEST_CASE("programming clears bits only, erasing sets a block of 4 KiB, and both say when they are done") {
  FlashRig rig;
  rig.it.write(0x1003, 1, 0x10);
  rig.it.write(0x1003, 1, 0x3c);
  CHECK(rig.at(0x1003) == 0x30);
  CHECK(rig.it.read(0, 1) == 0x80);
  rig.it.write(0x1fff, 1, 0x20);
  rig.it.write(0x1fff, 1, 0xd0);
  CHECK(rig.at(0x1003) == 0xff);
  CHECK(rig.at(0x1000) == 0xff);
  CHECK(rig.at(0x0fff) == 0xf0);
  CHECK(rig.at(0x2000) == 0xf0);
  CHECK(rig.it.read(0, 1) == 0x80);
}

TEST_CASE("an erase that is not confirmed changes nothing and is an error until the status is cleared") {
  FlashRig rig;
  rig.it.write(0, 1, 0x20);
  rig.it.write(0, 1, 0x00);
  CHECK(rig.at(0) == 0xf0);
  CHECK(rig.it.read(0, 1) == 0xa0);
  rig.it.write(0, 1, 0x50);
  rig.it.write(0, 1, 0x70);
  CHECK(rig.it.read(0, 1) == 0);
}

TEST_CASE("a reset shows the array again and keeps what is stored") {
  FlashRig rig;
  rig.it.write(8, 1, 0x10);
  rig.it.write(8, 1, 0);
  rig.it.reset();
  CHECK(rig.map.base == flash_gpa);
  CHECK(rig.at(8) == 0);
}

}  // namespace lockstitch::test
