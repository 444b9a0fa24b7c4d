// What this host's KVM really does, found out by tiny guests: names and version numbers promise more than some backends
// hold. Not here: what follows from it (verdict.h).
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::kvm {

/// What runs the guests. PVM: page tables and an emulator, no help by the processor.
enum class Backend : std::uint8_t { unknown, vmx, svm, pvm };
std::string_view name_of(Backend backend);

/// Of a thing that was tried.
struct Finding {
  bool holds = false;
  std::string detail;  ///< what was seen instead, or the figure; may be empty
};

struct Report {
  int api_version = 0;
  Backend backend = Backend::unknown;
  /// Unit: instructions a second, of a loop. 0: it did not run.
  std::uint64_t kernel_speed = 0, user_speed = 0;
  Finding system_call;          ///< SYSCALL enters ring 0
  Finding kernel_instructions;  ///< ring 0 is executed by the processor, not by an emulator with gaps
  Finding tsc_offset;           ///< the guest's TSC can be set apart from the host's
  Finding tsc_scaling;
  Finding branch_counter;            ///< retired branches of the guest alone can be counted, and come out exactly
  Finding kernel_steps, user_steps;  ///< a single step is one instruction
  Finding user_breakpoint;           ///< a hardware breakpoint in ring 3 stops
  Finding dirty_log;                 ///< pages written are told, others not
  Finding register_sharing;          ///< registers come with the exit, without a call for them
  std::uint64_t exit_ns = 0;         ///< Unit: ns of processor time, of an OUT and back
};

/// Takes about a second. Fails: there is no KVM here that answers; see KvmSystem::open.
Result<Report> probe(const std::string& device = "/dev/kvm");

}  // namespace lockstitch::kvm
