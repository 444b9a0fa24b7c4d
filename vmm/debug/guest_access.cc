// See guest_access.h.
#include "vmm/debug/guest_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "vmm/debug/page_walk.h"

namespace lockstitch::debug {
namespace {

constexpr std::uint64_t efer_lma = 0x400;
constexpr std::uint32_t attribute_l = 0x2000;

std::size_t in_page(std::uint64_t address, std::size_t bytes) {
  return std::min<std::size_t>(bytes, page_bytes - (address & page_mask));
}

}  // namespace

std::uint64_t linear_rip(const CpuState& cpu) {
  const Segment& code = cpu.segment[unsigned(SegmentName::cs)];
  const bool code64 = (cpu.efer & efer_lma) && (code.attributes & attribute_l);
  return code64 ? cpu.rip : (code.base + cpu.rip) & 0xffff'ffff;
}

Outcome check_ram(GuestMemory& memory, Gpa address, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes; done += in_page(address + done, bytes - done)) {
    const MemoryPage page = memory.page(address + done);
    if (page.host == nullptr || !page.writable) {
      return Error{ExitCode::usage, fmt::format("There is no RAM at the physical address {:#x}.", address + done)};
    }
  }
  return success();
}

Result<std::vector<PhysicalPiece>> physical_pieces(const CpuState& cpu, GuestMemory& memory, std::uint64_t address,
                                                   std::size_t bytes) {
  std::vector<PhysicalPiece> pieces;
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t size = in_page(address + done, bytes - done);
    const auto gpa = translate(cpu, memory, address + done);
    if (!gpa) return Error{ExitCode::usage, fmt::format("Nothing is mapped at {:#x}.", address + done)};
    if (const Outcome there = check_ram(memory, *gpa, size); !there.ok()) return there.error();
    pieces.push_back({*gpa, done, size});
    done += size;
  }
  return pieces;
}

std::uint64_t read_physical(GuestMemory& memory, Gpa address, MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t size = in_page(address + done, out.size() - done);
    const MemoryPage page = memory.page(address + done);
    if (page.host == nullptr) break;
    std::memcpy(out.data() + done, page.host + ((address + done) & page_mask), size);
    done += size;
  }
  return done;
}

}  // namespace lockstitch::debug
