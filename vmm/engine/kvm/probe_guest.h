// A guest of a few bytes, in 64-bit mode, by which the probe finds out what the host's KVM does. It ends by HLT in ring
// 0, or in the handler of an exception. Its memory is mapped twice: for the user at its own addresses, for the kernel
// 1 GiB above.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "lockstitch/result.h"
#include "vmm/engine/kvm/kvm_system.h"

namespace lockstitch::kvm {

enum class Ring : std::uint8_t { kernel = 0, user = 3 };

class ProbeGuest {
 public:
  static constexpr std::uint64_t memory_bytes = 2u << 20;
  /// Linear addresses of the code in its ring.
  static constexpr std::uint64_t kernel_code = 0x4000'9000, user_code = 0xa000;
  /// Guest-physical; the user's linear address is the same.
  static constexpr std::uint64_t free_page = 0x10'0000;

  /// Fails: KVM refuses a machine, its memory or the state of 64-bit mode.
  static Result<std::unique_ptr<ProbeGuest>> make(const KvmSystem& system, bool logs_writes = false);
  ~ProbeGuest();
  ProbeGuest(const ProbeGuest&) = delete;
  ProbeGuest& operator=(const ProbeGuest&) = delete;

  /// The processor stands at the first byte of `code` in that ring, with RCX as given and interrupts off.
  Outcome load(Ring ring, std::span<const std::uint8_t> code, std::uint64_t rcx = 0);
  KvmVcpu& processor() { return vcpu_; }
  Result<std::vector<std::uint64_t>> take_dirty() { return vm_.take_dirty(slot_); }

  /// After a HLT: the vector whose handler it is in; -1: none, it is in the loaded code.
  Result<int> halted_in() const;

 private:
  ProbeGuest(KvmVm vm, KvmVcpu vcpu, MemorySlot slot, std::uint8_t* memory)
      : vm_(std::move(vm)), vcpu_(std::move(vcpu)), slot_(slot), memory_(memory) {}

  void lay_out();
  template <class T>
  void put(std::uint64_t at, T value);

  KvmVm vm_;
  KvmVcpu vcpu_;
  MemorySlot slot_;
  std::uint8_t* memory_;
};

}  // namespace lockstitch::kvm
