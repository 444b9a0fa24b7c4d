// The CPU as a boot loader leaves it: descriptor table, page tables and registers for each way to enter a kernel. Also
// what firmware would have set in the CPU (MTRRs). What firmware does to the chipset is the board's duty at direct
// boot: PIRQ routing 60h-63h = 10,10,11,11 and ELCR to match, PMBA = 0601h with PMREGMISC bit 0, interrupt line 9 for
// the PM function, PAM open for reading and writing RAM at E0000-FFFFF. Source: Linux Documentation/x86/boot.rst; SDM
// 3A 9.8, 11.11; Multiboot 0.6.96 3.2.
#pragma once
#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"

namespace lockstitch::boot {

/// Real mode at segment:offset, stack below the image. Nothing is written to memory.
CpuState real_mode_entry(std::uint16_t segment, std::uint16_t offset);

/// 32-bit protected mode, paging off, flat segments (CS 08h, data 18h), TSS 20h, interrupts off. Writes the GDT.
Result<CpuState> protected_mode_entry(GuestMemory& memory, std::uint32_t eip);

/// 64-bit mode, the first 4 GiB mapped onto themselves by 2 MiB pages (CS 10h, data 18h), interrupts off. Writes the
/// GDT and the page tables.
Result<CpuState> long_mode_entry(GuestMemory& memory, std::uint64_t rip);

}  // namespace lockstitch::boot
