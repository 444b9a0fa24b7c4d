// /dev/kvm: what the host's KVM offers, and where machines come from.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/engine/kvm/kvm_file.h"
#include "vmm/engine/kvm/kvm_vm.h"
#include "vmm/engine/kvm/linux_kvm.h"

namespace lockstitch::kvm {

/// The only one there has been since Linux 2.6.22 (Documentation/virt/kvm/api.rst 4.1).
inline constexpr int api_version = KVM_API_VERSION;

class KvmSystem {
 public:
  /// Fails: there is none, no permission, another API; each with its cure.
  static Result<KvmSystem> open(const std::string& path = "/dev/kvm");

  int capability(int number) const { return file_.capability(number); }
  /// Empty: KVM does not tell.
  std::vector<kvm_cpuid_entry2> supported_cpuid() const;
  Result<KvmVm> make_vm() const;

 private:
  explicit KvmSystem(KvmFile file) : file_(std::move(file)) {}

  KvmFile file_;
};

}  // namespace lockstitch::kvm
