// See kvm_file.h.
#include "vmm/engine/kvm/kvm_file.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "vmm/engine/kvm/linux_kvm.h"

namespace lockstitch::kvm {

Error refused(const char* name) {
  return {ExitCode::unavailable, fmt::format("KVM refused {} ({}).", name, std::strerror(errno))};
}

KvmFile& KvmFile::operator=(KvmFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

KvmFile::~KvmFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int KvmFile::release() { return std::exchange(descriptor_, -1); }

int KvmFile::ask(unsigned long request, std::uintptr_t argument) const {
  for (;;) {
    const int answer = ::ioctl(descriptor_, request, argument);
    if (answer >= 0 || errno != EINTR || request == KVM_RUN) return answer;
  }
}

int KvmFile::ask(unsigned long request, const void* argument) const {
  return ask(request, reinterpret_cast<std::uintptr_t>(argument));
}

Outcome KvmFile::tell(unsigned long request, const void* argument, const char* name) const {
  if (ask(request, argument) < 0) return refused(name);
  return success();
}

int KvmFile::capability(int number) const {
  const int answer = ask(KVM_CHECK_EXTENSION, static_cast<std::uintptr_t>(number));
  return answer < 0 ? 0 : answer;
}

}  // namespace lockstitch::kvm
