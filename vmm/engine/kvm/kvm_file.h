// A file descriptor of KVM: the system, a machine or a processor. The only place with ioctl().
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::kvm {

class KvmFile {
 public:
  /// Takes the descriptor over; -1: none.
  explicit KvmFile(int descriptor = -1) : descriptor_(descriptor) {}
  KvmFile(KvmFile&& other) noexcept : descriptor_(other.release()) {}
  KvmFile& operator=(KvmFile&& other) noexcept;
  ~KvmFile();

  int descriptor() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

  /// What KVM answers; -1: see errno. Repeats what a signal interrupts, but for KVM_RUN.
  int ask(unsigned long request, std::uintptr_t argument = 0) const;
  int ask(unsigned long request, const void* argument) const;
  /// `name`: of the request, for the sentence. Fails: KVM refuses.
  Outcome tell(unsigned long request, const void* argument, const char* name) const;
  /// 0: the host has no such thing. Of the system or of a machine.
  int capability(int number) const;

 private:
  int release();

  int descriptor_;
};

/// "KVM refused NAME (REASON)", with errno's reason.
Error refused(const char* name);

}  // namespace lockstitch::kvm
