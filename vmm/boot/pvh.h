// Enters an ELF kernel by the PVH protocol: 32-bit protected mode, EBX = hvm_start_info.
// Source: Xen public/arch-x86/hvm/start_info.h (version 1); Linux arch/x86/platform/pvh/head.S for what it relies on.
#pragma once
#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/load_request.h"

namespace lockstitch::boot {

/// An ELF file with the PVH note. A broken ELF file is not one.
bool is_pvh(Bytes image);

Result<CpuState> load_pvh(GuestMemory& memory, const LoadRequest& request);

}  // namespace lockstitch::boot
