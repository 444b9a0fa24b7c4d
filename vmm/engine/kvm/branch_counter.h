// Counts the conditional branches that the guest retires: the one coordinate that processors of different makers count
// alike and that the host's interrupts do not disturb. A seam: the real one is a performance counter; tests put another
// in its place.
#pragma once
#include <cstdint>
#include <memory>

#include "lockstitch/result.h"
#include "vmm/engine/kvm/kvm_file.h"

namespace lockstitch::kvm {

class BranchCounter {
 public:
  virtual ~BranchCounter() = default;
  virtual void start() = 0;  ///< from 0
  virtual void stop() = 0;
  virtual Result<std::uint64_t> count() const = 0;
};

/// perf_event of the calling thread, of the guest alone. Source: SDM 3B 20 (C4h, umask 11h), AMD PPR (D1h).
class PerfBranchCounter final : public BranchCounter {
 public:
  /// Fails: the processor offers none here, or it is not permitted; with the cure.
  static Result<std::unique_ptr<PerfBranchCounter>> open();

  void start() override;
  void stop() override;
  Result<std::uint64_t> count() const override;

 private:
  explicit PerfBranchCounter(KvmFile file) : file_(std::move(file)) {}

  KvmFile file_;
};

}  // namespace lockstitch::kvm
