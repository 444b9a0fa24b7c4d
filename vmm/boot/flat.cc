// See flat.h.
#include "vmm/boot/flat.h"

#include "vmm/boot/entry_state.h"
#include "vmm/boot/guest_image.h"

namespace lockstitch::boot {

Result<CpuState> load_flat(GuestMemory& memory, const LoadRequest& request, Gpa address) {
  if (request.kernel.empty()) return Error{ExitCode::bad_input, "the flat image is empty"};
  if (!is_usable(request.memory_map, address, request.kernel.size()) || address >= high_memory_gpa)
    return Error{ExitCode::bad_input, "the flat image does not fit below 640 KiB"};
  if (address > 0xffff && address % 16 != 0)
    return Error{ExitCode::usage, "a flat image above 64 KiB must be loaded at a multiple of 16"};
  if (auto stored = store(memory, address, request.kernel, "the flat image"); !stored) return stored.error();
  CpuState cpu = address > 0xffff ? real_mode_entry(static_cast<std::uint16_t>(address >> 4), 0)
                                  : real_mode_entry(0, static_cast<std::uint16_t>(address));
  cpu.gpr[unsigned(Gpr::rdx)] = 0x80;
  return cpu;
}

}  // namespace lockstitch::boot
