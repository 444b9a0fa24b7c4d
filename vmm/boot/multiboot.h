// Loads a Multiboot 1 kernel, by its ELF headers or by the addresses in its Multiboot header, and enters it in 32-bit
// protected mode with EAX = 2BADB002h, EBX = the information structure. A video mode that it asks for is not set.
// Source: Multiboot Specification 0.6.96.
#pragma once
#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/load_request.h"

namespace lockstitch::boot {

/// A valid Multiboot header lies in the first 8 KiB.
bool is_multiboot(Bytes image);

Result<CpuState> load_multiboot(GuestMemory& memory, const LoadRequest& request);

}  // namespace lockstitch::boot
