// Loads a flat image and enters it at its first byte in real mode, as a BIOS enters a boot sector. No magic number:
// only on explicit request.
#pragma once
#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/load_request.h"

namespace lockstitch::boot {

inline constexpr Gpa boot_sector_gpa = 0x7c00;

/// Entry: below 64 KiB at 0000:address, else at address/16:0000; SP = 7C00h, DL = 80h. Command line and initrd unused.
/// Range: address below 640 KiB, and a multiple of 16 from 64 KiB on. Fails: empty, does not fit below 640 KiB.
Result<CpuState> load_flat(GuestMemory& memory, const LoadRequest& request, Gpa address = boot_sector_gpa);

}  // namespace lockstitch::boot
