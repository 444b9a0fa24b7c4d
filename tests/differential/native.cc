// See native.h. Source: Linux signal frames (asm/sigcontext.h); SDM 1 10.5 and 13.4 for the layout of the floating-point area.
#include "tests/differential/native.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>

namespace lockstitch::differential {
namespace {

constexpr std::size_t signal_stack_bytes = 128 << 10;
constexpr std::size_t float_bytes_max = 16 << 10;
// FXSAVE layout.
constexpr unsigned at_control = 0, at_status = 2, at_tag = 4, at_opcode = 6, at_mxcsr = 24, at_st = 32, at_xmm = 160, at_size = 468,
                   at_present = 512;
constexpr int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
constexpr std::uint64_t settable_flags = 0x4'0cd5;  // AC OF DF SF ZF AF PF CF: what a signal return loads

// gregs order of the general registers in encoding order.
constexpr int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                           REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

// The handler's world; one case at a time.
enum class Phase { idle, enter, inside };
Phase phase = Phase::idle;
const Case* running = nullptr;
Outcome* result = nullptr;
mcontext_t host_context;
alignas(64) std::uint8_t host_float[float_bytes_max];
std::size_t float_bytes = 0;

template <class T>
void put(std::uint8_t* area, unsigned at, T value) {
  std::memcpy(area + at, &value, sizeof value);
}
template <class T>
T get(const std::uint8_t* area, unsigned at) {
  T value;
  std::memcpy(&value, area + at, sizeof value);
  return value;
}

void load_guest(ucontext_t& context) {
  const Registers& r = running->before;
  auto& g = context.uc_mcontext.gregs;
  for (unsigned i = 0; i < 16; ++i) g[order[i]] = static_cast<greg_t>(r.gpr[i]);
  g[REG_RIP] = static_cast<greg_t>(r.rip);
  g[REG_EFL] = static_cast<greg_t>((r.rflags & settable_flags) | 0x202);
  const std::uint64_t code = running->bits == 64 ? user_code64 : user_code32;
  g[REG_CSGSFS] = static_cast<greg_t>(code | std::uint64_t{user_data} << 48);

  auto* area = reinterpret_cast<std::uint8_t*>(context.uc_mcontext.fpregs);
  put(area, at_control, r.fpu_control);
  put(area, at_status, r.fpu_status);
  put<std::uint16_t>(area, at_tag, r.fpu_tag);
  std::memset(area + at_opcode, 0, at_mxcsr - at_opcode);
  put(area, at_mxcsr, r.mxcsr);
  for (unsigned i = 0; i < 8; ++i) std::memcpy(area + at_st + 16 * i, r.st[i].data(), 10);
  for (unsigned i = 0; i < 16; ++i) std::memcpy(area + at_xmm + 16 * i, r.xmm[i].data(), 16);
  if (float_bytes > at_present) put(area, at_present, get<std::uint64_t>(area, at_present) | 3);
}

void store_guest(const ucontext_t& context, std::uint16_t es, std::uint16_t ds) {
  Registers& r = result->after;
  const auto& g = context.uc_mcontext.gregs;
  for (unsigned i = 0; i < 16; ++i) r.gpr[i] = static_cast<std::uint64_t>(g[order[i]]);
  r.rip = static_cast<std::uint64_t>(g[REG_RIP]);
  r.rflags = static_cast<std::uint64_t>(g[REG_EFL]);
  const auto selectors = static_cast<std::uint64_t>(g[REG_CSGSFS]);
  r.selector = {es, static_cast<std::uint16_t>(selectors), static_cast<std::uint16_t>(selectors >> 48), ds};
  const auto* area = reinterpret_cast<const std::uint8_t*>(context.uc_mcontext.fpregs);
  r.fpu_control = get<std::uint16_t>(area, at_control);
  r.fpu_status = get<std::uint16_t>(area, at_status);
  r.fpu_tag = get<std::uint8_t>(area, at_tag);
  r.mxcsr = get<std::uint32_t>(area, at_mxcsr);
  for (unsigned i = 0; i < 8; ++i) {
    r.st[i] = {};
    std::memcpy(r.st[i].data(), area + at_st + 16 * i, 10);
  }
  for (unsigned i = 0; i < 16; ++i) std::memcpy(r.xmm[i].data(), area + at_xmm + 16 * i, 16);

  const auto vector = static_cast<unsigned>(g[REG_TRAPNO]);
  // An INT3 outside the instruction's own bytes is the filler; inside them it is the instruction under test.
  const bool own = r.rip - 1 - running->before.rip < running->bytes.size();
  const bool landed = vector == 3 && !own && r.rip > code_base && r.rip <= code_end;
  if (landed) {
    r.rip -= 1;
  } else {
    result->exception = true;
    result->vector = vector;
    const bool has_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
    result->error_code = has_code ? static_cast<std::uint32_t>(g[REG_ERR]) : 0;
    if (vector == 14) result->fault_address = static_cast<std::uint64_t>(g[REG_CR2]);
  }
}

void on_signal(int number, siginfo_t*, void* where) {
  // The guest may have left AC set, on which nothing here may trap, and ID, which the return does not load.
  asm volatile("pushfq\n\tandl $~0x240000, (%%rsp)\n\tpopfq" ::: "cc", "memory");
  std::uint16_t es = 0, ds = 0;
  asm volatile("mov %%es, %0\n\tmov %%ds, %1" : "=r"(es), "=r"(ds));
  auto& context = *static_cast<ucontext_t*>(where);
  auto* area = reinterpret_cast<std::uint8_t*>(context.uc_mcontext.fpregs);
  switch (phase) {
    case Phase::enter:
      host_context = context.uc_mcontext;
      std::memcpy(host_float, area, float_bytes);
      load_guest(context);
      phase = Phase::inside;
      return;
    case Phase::inside:
      store_guest(context, es, ds);
      std::memcpy(&context.uc_mcontext.gregs, &host_context.gregs, sizeof host_context.gregs);
      std::memcpy(area, host_float, float_bytes);
      phase = Phase::idle;
      return;
    case Phase::idle: {
      struct sigaction standard {};
      standard.sa_handler = SIG_DFL;
      sigaction(number, &standard, nullptr);
    }
  }
}

// First signal: the handler loads the guest instead of coming back; it comes back from the second.
[[gnu::noinline]] void enter_guest() { asm volatile("int3" ::: "memory"); }

std::uint8_t* map_at(std::uint64_t at, std::size_t length, int protection, int file, off_t offset) {
  void* const wanted = reinterpret_cast<void*>(at);
  const int where = at ? MAP_FIXED_NOREPLACE : 0;
  void* const got = mmap(wanted, length, protection, MAP_SHARED | MAP_POPULATE | where, file, offset);
  return got == MAP_FAILED || (at && got != wanted) ? nullptr : static_cast<std::uint8_t*>(got);
}

}  // namespace

Native::Native() {
#if defined(LOCKSTITCH_SANITIZED)
  trouble_ = "the sanitizer keeps its shadow memory at addresses where cases must find nothing";
  return;
#endif
  const int file = static_cast<int>(syscall(SYS_memfd_create, "differential", 0));
  if (file < 0 || ftruncate(file, code_bytes + data_bytes) != 0) {
    trouble_ = "no anonymous file for shared mappings";
    return;
  }
  std::uint8_t* alias = map_at(0, code_bytes + data_bytes, PROT_READ | PROT_WRITE, file, 0);
  const bool mapped = alias && map_at(code_base, code_bytes, PROT_READ | PROT_EXEC, file, 0) &&
                      map_at(data_base, page_bytes, PROT_READ, file, code_bytes) &&
                      map_at(writable_base, data_bytes - page_bytes, PROT_READ | PROT_WRITE, file, code_bytes + page_bytes);
  close(file);
  if (!mapped) {
    trouble_ = "the fixed addresses of the test are taken in this process";
    return;
  }
  code_ = alias;
  data_ = alias + code_bytes;
  std::memset(code_, filler, code_bytes);

  take_signals();

  constexpr int set_gs = 0x1001;  // ARCH_SET_GS
  if (syscall(SYS_arch_prctl, set_gs, gs_base) != 0) trouble_ = "the GS base cannot be set";

  // How much the kernel saves; 0 in the old frame format.
  struct sigaction first {};
  first.sa_sigaction = [](int, siginfo_t*, void* where) {
    const auto* area = reinterpret_cast<const std::uint8_t*>(static_cast<ucontext_t*>(where)->uc_mcontext.fpregs);
    std::uint32_t size = 0;
    std::memcpy(&size, area + at_size, 4);
    float_bytes = size > at_present ? size : at_present;
  };
  first.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGTRAP, &first, nullptr);
  enter_guest();
  take_signals();
  if (float_bytes == 0 || float_bytes > float_bytes_max) trouble_ = "the signal frame's floating-point area has an unknown size";
}

Native::~Native() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int number : signals) sigaction(number, &standard, nullptr);
  munmap(reinterpret_cast<void*>(code_base), code_bytes);
  munmap(reinterpret_cast<void*>(data_base), data_bytes);
  if (code_) munmap(code_, code_bytes + data_bytes);
}

void Native::take_signals() {
  static std::uint8_t stack_bytes[signal_stack_bytes];
  stack_t stack{};
  stack.ss_sp = stack_bytes;
  stack.ss_size = sizeof stack_bytes;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int number : signals) sigaction(number, &action, nullptr);
}

Outcome Native::run(const Case& which) {
  Outcome outcome;
  const std::uint64_t at = which.before.rip - code_base;
  const std::size_t room = std::min<std::size_t>(which.bytes.size(), code_bytes - at);
  std::memcpy(code_ + at, which.bytes.data(), room);
  running = &which;
  result = &outcome;
  phase = Phase::enter;
  asm volatile("mov %0, %%es\n\tmov %0, %%ds" : : "r"(static_cast<std::uint32_t>(user_data)) : "memory");
  enter_guest();
  std::memset(code_ + at, filler, room);
  if (which.bits == 32) {
    for (auto& value : outcome.after.gpr) value &= 0xffff'ffff;
    for (unsigned i = 8; i < 16; ++i) outcome.after.gpr[i] = 0;
  }
  return outcome;
}

}  // namespace lockstitch::differential
