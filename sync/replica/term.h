// Who may run the guest, as a number that only grows. The arbiter's record is the truth: a replica that wants to run
// the guest without its peer has to raise the term there first, by compare-and-set, and exactly one can.
#pragma once
#include <cstdint>
#include <string>

namespace lockstitch::sync {

/// Of a pair. 0: the guest never ran.
using Term = std::uint64_t;

/// What the arbiter keeps of one pair.
struct ArbiterRecord {
  Term term = 0;
  std::string holder;  ///< name of the replica that raised it; empty with term 0
  friend bool operator==(const ArbiterRecord&, const ArbiterRecord&) = default;
};

/// What became of a claim.
enum class Claim : std::uint8_t {
  granted,      ///< the record is now what was wanted
  denied,       ///< the term was another one; `record` says which
  unreachable,  ///< the arbiter has not seen the claim, for certain
  unknown,      ///< it may or may not have seen it: look again before anything else
};

struct ClaimAnswer {
  Claim claim = Claim::unknown;
  ArbiterRecord record;  ///< with granted and denied: what the arbiter holds now
  std::string why;       ///< with unreachable and unknown: for people
};

}  // namespace lockstitch::sync
