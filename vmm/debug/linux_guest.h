// What the memory of a guest tells of its Linux kernel: where it was loaded and what its symbols are. Nothing is
// guessed: what does not look as it must is a sentence. Source: Linux 6.1, Documentation/x86/x86_64/mm.rst,
// kernel/kallsyms.c.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/debug/symbol_table.h"

namespace lockstitch::debug {

struct LinuxKernel {
  std::uint64_t text_base = 0;
  std::uint64_t offset = 0;  ///< from where it was linked: what KASLR added
  std::string banner;        ///< "Linux version ..."
};

/// Fails: the CPU has not the system call entry of a 64-bit Linux.
Result<LinuxKernel> find_linux(const CpuState& cpu, GuestMemory& memory);
std::string to_text(const LinuxKernel& kernel);
/// The kernel's own table, with the addresses of this run; modules are not in it. Fails: as find_linux(), or the table
/// is not found.
Result<SymbolTable> read_kallsyms(const CpuState& cpu, GuestMemory& memory);
/// The same as a file for gdb; the sentence that says so. Fails also: cannot be written.
Result<std::string> save_linux_symbols(const CpuState& cpu, GuestMemory& memory, const std::string& path);

}  // namespace lockstitch::debug
