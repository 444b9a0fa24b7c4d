// Loads a Linux bzImage by the 64-bit boot protocol: the kernel, its initrd, boot_params and the registers at its
// 64-bit entry. No real-mode code of the kernel runs. Not here: 32-bit kernels, EFI stubs. Source: Linux
// Documentation/x86/boot.rst and zero-page.rst; reference/platform.md 5.4.
#pragma once
#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/load_request.h"

namespace lockstitch::boot {

/// The image has the Linux setup header's two magic numbers. Says nothing about version or completeness.
bool is_bzimage(Bytes image);

/// Fails: truncated, protocol older than 2.12, no 64-bit entry, does not fit, command line too long.
Result<CpuState> load_bzimage(GuestMemory& memory, const LoadRequest& request);

}  // namespace lockstitch::boot
