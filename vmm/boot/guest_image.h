// Putting bytes into guest memory: the steps that all loaders share. Every failure is a sentence for the person.
#pragma once
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/load_request.h"

namespace lockstitch::boot {

/// Fails: some byte is not RAM. `what` begins the sentence, e.g. "the kernel".
Outcome store(GuestMemory& memory, Gpa gpa, Bytes bytes, std::string_view what);
Outcome store_zeros(GuestMemory& memory, Gpa gpa, std::uint64_t length, std::string_view what);

/// Puts the command line with a zero at its end to command_line_gpa. Fails: longer than `max_bytes`, or a zero in it.
Outcome store_command_line(GuestMemory& memory, std::string_view text, std::uint64_t max_bytes);

/// Puts the initrd as high as it fits in [floor, ceiling), page-aligned. Result: its address, 0 if there is none.
Result<Gpa> store_initrd(GuestMemory& memory, const LoadRequest& request, Gpa floor, Gpa ceiling);

}  // namespace lockstitch::boot
