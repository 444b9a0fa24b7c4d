// Engines outside of long mode: in real mode, and in protected mode without paging, with 32-bit paging or with PAE.
// Places are those of the rig in long mode; linear addresses are physical ones.
#pragma once
#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {

/// CS:IP 2000:0, DS 4000h, ES F000h, SS 0, all interrupt vectors to handlers that halt, at 1200:(vector * 64).
class RealModeRig : public EngineRig {
 public:
  explicit RealModeRig(const EngineUnderTest& under_test);
  static CpuState initial();
};

enum class Paging : std::uint8_t { none, two_levels, pae };
std::string_view name_of(Paging paging);

/// 32-bit code in ring 0, flat segments, a gate for each vector to a handler that halts. The first 8 MiB are mapped but
/// for place::nowhere.
class ProtectedModeRig : public EngineRig {
 public:
  ProtectedModeRig(const EngineUnderTest& under_test, Paging paging);
  static CpuState initial(Paging paging);
};

/// Prints why a claim is not held against an engine. Returns false if it is to be skipped.
bool can(const EngineUnderTest& kind, bool ability, const char* what);

}  // namespace lockstitch::test
