// How a linear address is translated at this moment: the walk as the CPU would make it as a supervisor, without any of
// its traces. Source: SDM 3A chapter 4.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"

namespace lockstitch::debug {

struct PageStep {
  const char* name;  ///< of the table's entry: PML4E, PDPTE, PDE, PTE
  Gpa at = 0;
  std::uint64_t entry = 0;
};

struct PageWalk {
  std::vector<PageStep> steps;
  std::optional<Gpa> gpa;  ///< of the address asked for
  std::uint64_t page_bytes = 0;
  bool writable = false, user = false, executable = false;
  std::string why_not;  ///< when there is no gpa
};

PageWalk walk_pages(const CpuState& cpu, GuestMemory& memory, std::uint64_t linear);
std::string to_text(const PageWalk& walk, std::uint64_t linear);

std::optional<Gpa> translate(const CpuState& cpu, GuestMemory& memory, std::uint64_t linear);
/// RAM and ROM. Returns how many bytes from the start could be read.
std::uint64_t read_linear(const CpuState& cpu, GuestMemory& memory, std::uint64_t address, MutableBytes out);

}  // namespace lockstitch::debug
