// See power_function.h.
#include "devices/pci/power_function.h"

namespace lockstitch {
namespace {
constexpr unsigned block_offset = 0x40, misc_offset = 0x80;
constexpr std::uint8_t block_enable = 1;
}  // namespace

PowerFunction::PowerFunction(std::string name)
    : PciFunction(std::move(name), {.vendor = 0x8086,
                                    .device = 0x7113,
                                    .revision = 3,
                                    .class_code = 0x06'80'00,
                                    .status = 0x0280,
                                    .interrupt_pin = 1}) {
  set_initial(0x3c, {9});
  set_initial(block_offset, {0x01, 0x06});
  set_writable(block_offset, 1, 0xc0);
  set_writable(block_offset + 1, 1);
  set_writable(0x44, 0x28);
  set_initial(0x5b, {0x02});
  set_initial(0x5f, {0x10});  // a device that is present shows as a set bit: parallel port,
  set_initial(0x63, {0x60});  // disks,
  set_initial(0x67, {0x08});  // COM1
  set_writable(0x6c, 0x14);
  set_initial(misc_offset, {block_enable});
  set_writable(misc_offset, 1, block_enable);
  set_initial(0x90, {0x01});
  set_writable(0x90, 1, 0xf0);
  set_writable(0x91, 1);
  set_initial(0xd2, {0x09});
  set_writable(0xd2, 4);
}

void PowerFunction::attach(MapPort& pm_block) {
  block_.attach(pm_block);
  block_.move_to(block_place());
}

std::optional<std::uint64_t> PowerFunction::block_place() const {
  const std::uint64_t base = config_dword(block_offset) & 0xffc0;
  if (!(config(misc_offset) & block_enable) || base == 0) return std::nullopt;
  return base;
}

void PowerFunction::reset() {
  PciFunction::reset();
  block_.move_to(block_place());
}

void PowerFunction::loaded() {
  PciFunction::loaded();
  block_.adopt(block_place());
}

void PowerFunction::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  PciFunction::write_config(offset, width, value);
  block_.move_to(block_place());
}

}  // namespace lockstitch
