// One instruction on the host's processor, between loading and storing all of its registers. Exceptions come back as vectors.
#pragma once
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

#include "lockstitch/cpu_state.h"
#include "lockstitch/types.h"

namespace lockstitch::test {

struct alignas(16) FxArea {
  std::uint16_t control = 0x37f, status = 0;
  std::uint8_t tag = 0, reserved = 0;
  std::uint16_t opcode = 0;
  std::uint64_t instruction = 0, data = 0;
  std::uint32_t mxcsr = 0x1f80, mask = 0;
  std::uint8_t st[8][16] = {};
  std::uint8_t xmm[16][16] = {};
  std::uint8_t rest[96] = {};
};
static_assert(sizeof(FxArea) == 512);

class Native {
 public:
  Native() {
    page_ = static_cast<std::uint8_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    current() = this;
    struct sigaction action = {};
    action.sa_sigaction = trapped;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    for (unsigned i = 0; i < 4; ++i) sigaction(signals[i], &action, &old_[i]);
  }
  ~Native() {
    for (unsigned i = 0; i < 4; ++i) sigaction(signals[i], &old_[i], nullptr);
    munmap(page_, 4096);
  }
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  struct Outcome {
    CpuState cpu;  ///< registers, status flags and floating-point state; the rest as it was
    std::optional<unsigned> vector;
  };
  /// RSP is the host's own: the code must not use it.
  Outcome run(const CpuState& cpu, Bytes code) {
    assemble(code);
    block_ = {};
    std::memcpy(block_.gpr, cpu.gpr.data(), sizeof block_.gpr);
    block_.flags = (cpu.rflags & 0x8d5) | 0x202;
    block_.fx.control = cpu.fpu_control;
    block_.fx.status = cpu.fpu_status;
    block_.fx.tag = cpu.fpu_tag;
    block_.fx.mxcsr = cpu.mxcsr;
    for (unsigned i = 0; i < 8; ++i) std::memcpy(block_.fx.st[i], cpu.st[i].data(), 10);
    std::memcpy(block_.fx.xmm, cpu.xmm.data(), sizeof block_.fx.xmm);
    std::optional<unsigned> vector;
    if (sigsetjmp(escape_, 1) == 0)
      reinterpret_cast<void (*)(Block*)>(page_)(&block_);
    else
      vector = vector_;
    asm volatile("fninit");
    const std::uint32_t plain = 0x1f80;
    asm volatile("ldmxcsr %0" : : "m"(plain));
    Outcome out{cpu, vector};
    std::memcpy(out.cpu.gpr.data(), block_.gpr, sizeof block_.gpr);
    out.cpu.gpr[4] = cpu.gpr[4];
    out.cpu.rflags = (cpu.rflags & ~0x8d5ull) | (block_.flags & 0x8d5);
    out.cpu.fpu_control = block_.fx.control;
    out.cpu.fpu_status = block_.fx.status;
    out.cpu.fpu_tag = block_.fx.tag;
    out.cpu.mxcsr = block_.fx.mxcsr;
    for (unsigned i = 0; i < 8; ++i) {
      out.cpu.st[i] = {};
      std::memcpy(out.cpu.st[i].data(), block_.fx.st[i], 10);
    }
    std::memcpy(out.cpu.xmm.data(), block_.fx.xmm, sizeof block_.fx.xmm);
    return out;
  }

 private:
  static constexpr int signals[4] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS};
  struct Block {
    FxArea fx;               // at 0
    std::uint64_t gpr[16];   // at 512
    std::uint64_t flags;     // at 640
  };

  static Native*& current() {
    static Native* instance = nullptr;
    return instance;
  }
  static void trapped(int, siginfo_t*, void* context) {
    auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    Native& self = *current();
    self.vector_ = static_cast<unsigned>(machine.gregs[REG_TRAPNO]);
    std::memcpy(static_cast<void*>(&self.block_.fx), machine.fpregs, 416);
    static constexpr int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    for (unsigned i = 0; i < 16; ++i) self.block_.gpr[i] = static_cast<std::uint64_t>(machine.gregs[order[i]]);
    self.block_.flags = static_cast<std::uint64_t>(machine.gregs[REG_EFL]);
    siglongjmp(self.escape_, 1);
  }

  void emit(std::initializer_list<unsigned> bytes) {
    for (unsigned byte : bytes) page_[at_++] = static_cast<std::uint8_t>(byte);
  }
  void emit32(std::uint32_t value) {
    std::memcpy(page_ + at_, &value, 4);
    at_ += 4;
  }
  void assemble(Bytes code) {
    at_ = 0;
    emit({0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57});  // push rbx rbp r12..r15
    emit({0x48, 0x89, 0x3d});                                            // mov [rip+..], rdi
    emit32(static_cast<std::uint32_t>(4000 - (at_ + 4)));
    emit({0x48, 0x0f, 0xae, 0x0f});  // fxrstor64 [rdi]
    emit({0xff, 0xb7});              // push [rdi+640]
    emit32(640);
    emit({0x9d});  // popfq
    for (unsigned r = 0; r < 16; ++r)
      if (r != 4 && r != 7) move(0x8b, r);
    move(0x8b, 7);
    std::memcpy(page_ + at_, code.data(), code.size());
    at_ += static_cast<unsigned>(code.size());
    emit({0x48, 0x89, 0x3d});  // mov [rip+..], rdi
    emit32(static_cast<std::uint32_t>(4008 - (at_ + 4)));
    emit({0x48, 0x8b, 0x3d});  // mov rdi, [rip+..]
    emit32(static_cast<std::uint32_t>(4000 - (at_ + 4)));
    for (unsigned r = 0; r < 16; ++r)
      if (r != 4 && r != 7) move(0x89, r);
    emit({0x48, 0x8b, 0x05});  // mov rax, [rip+..]: rdi as it was
    emit32(static_cast<std::uint32_t>(4008 - (at_ + 4)));
    emit({0x48, 0x89, 0x87});
    emit32(512 + 8 * 7);
    emit({0x9c, 0x8f, 0x87});  // pushfq; pop [rdi+640]
    emit32(640);
    emit({0x48, 0x0f, 0xae, 0x07});                                            // fxsave64 [rdi]
    emit({0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3});  // pop r15..r12 rbp rbx; ret
  }
  /// mov between register r and its slot at [rdi+..].
  void move(unsigned opcode, unsigned r) {
    emit({r >= 8 ? 0x4cu : 0x48u, opcode, 0x87u | (r & 7) << 3});
    emit32(512 + 8 * r);
  }

  std::uint8_t* page_;
  unsigned at_ = 0;
  Block block_;
  sigjmp_buf escape_;
  unsigned vector_ = 0;
  struct sigaction old_[4];
};

}  // namespace lockstitch::test
