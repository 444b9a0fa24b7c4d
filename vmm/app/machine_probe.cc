// See machine_probe.h.
#include "vmm/app/machine_probe.h"

#include <fmt/format.h>

#include <array>

#include "vmm/machine/state_hasher.h"
#include "vmm/machine/state_writer.h"

namespace lockstitch::app {

sync::Position MachineProbe::position() {
  const CpuState cpu = machine_.cpu();
  std::array<std::uint8_t, 18 * 8> text;
  std::size_t size = 0;
  const auto put = [&](std::uint64_t word) {
    for (unsigned i = 0; i < 8; ++i) text[size++] = static_cast<std::uint8_t>(word >> (8 * i));
  };
  for (const std::uint64_t value : cpu.gpr) put(value);
  put(cpu.rip);
  put(cpu.rflags);
  return {static_cast<std::uint32_t>(hash_bytes(text).low)};
}

std::vector<std::uint8_t> MachineProbe::state() { return save_state(machine_); }

std::vector<std::uint64_t> MachineProbe::memory_sums() {
  const auto& sums = machine_.memory_digest().part_sums();
  return {sums.begin(), sums.end()};
}

std::string MachineProbe::memory_part(std::size_t index) {
  const Memory& memory = machine_.memory();
  const std::uint64_t pages = machine_.memory_digest().part_pages();
  const std::uint64_t first = index * pages;
  const std::uint64_t last = std::min(first + pages, memory.pages()) - 1;
  return fmt::format("memory/{:#x}-{:#x}", memory.page_gpa(first), memory.page_gpa(last) + page_bytes - 1);
}

}  // namespace lockstitch::app
