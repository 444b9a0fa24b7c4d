// See kvm_system.h.
#include "vmm/engine/kvm/kvm_system.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace lockstitch::kvm {

namespace {

Error cannot_open(const std::string& path, int number) {
  switch (number) {
    case ENOENT:
      return {ExitCode::missing_input,
              fmt::format("There is no {}: load the module (`modprobe kvm_intel` or `kvm_amd`), and see that "
                          "virtualisation is switched on in the host's firmware, or nested in the hypervisor below.",
                          path)};
    case EACCES:
    case EPERM:
      return {ExitCode::unavailable,
              fmt::format("{} may not be opened by this user: add it to the group kvm (`adduser USER kvm`) and log in "
                          "again.",
                          path)};
    case ENODEV:
    case ENXIO:
      return {
          ExitCode::missing_input,
          fmt::format("{} has no module behind it: load kvm_intel or kvm_amd, which need virtualisation switched on "
                      "in the host's firmware.",
                      path)};
    default:
      return {ExitCode::unavailable, fmt::format("{} cannot be opened ({}).", path, std::strerror(number))};
  }
}

}  // namespace

Result<KvmSystem> KvmSystem::open(const std::string& path) {
  KvmFile file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return cannot_open(path, errno);
  const int version = file.ask(KVM_GET_API_VERSION);
  if (version < 0) return Error{ExitCode::bad_input, fmt::format("'{}' is no KVM device.", path)};
  if (version != api_version) {
    return Error{ExitCode::unavailable, fmt::format("{} has API version {}, not {}: use a kernel from 2.6.22 on.", path,
                                                    version, api_version)};
  }
  return KvmSystem(std::move(file));
}

std::vector<kvm_cpuid_entry2> KvmSystem::supported_cpuid() const {
  constexpr unsigned entries_max = 256;
  std::vector<std::uint64_t> room((sizeof(kvm_cpuid2) + entries_max * sizeof(kvm_cpuid_entry2) + 7) / 8);
  auto* table = reinterpret_cast<kvm_cpuid2*>(room.data());
  table->nent = entries_max;
  if (file_.ask(KVM_GET_SUPPORTED_CPUID, table) < 0) return {};
  return {table->entries, table->entries + table->nent};
}

Result<KvmVm> KvmSystem::make_vm() const {
  KvmFile file(file_.ask(KVM_CREATE_VM));
  if (!file) return refused("KVM_CREATE_VM");
  const int run_bytes = file_.ask(KVM_GET_VCPU_MMAP_SIZE);
  if (run_bytes < 0) return refused("KVM_GET_VCPU_MMAP_SIZE");
  return KvmVm(std::move(file), static_cast<std::size_t>(run_bytes));
}

}  // namespace lockstitch::kvm
