// Says what kind of kernel an image is and hands it to the right loader.
#pragma once
#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/load_request.h"

namespace lockstitch::boot {

enum class KernelKind { bzimage, pvh, multiboot, flat };

/// Never `flat`. An image that is several kinds at once counts as the first of the list. Fails: one sentence that says
/// that it is no kernel, and what it seems to be instead.
Result<KernelKind> recognise_kernel(Bytes image);

Result<CpuState> load_kernel(GuestMemory& memory, const LoadRequest& request, KernelKind kind);

}  // namespace lockstitch::boot
