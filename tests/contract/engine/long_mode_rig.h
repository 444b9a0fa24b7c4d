// An engine in 64-bit mode: 8 MiB mapped one to one by 4 KiB pages whose accessed and dirty bits are set already, so
// that walks write nothing; a GDT like Linux's, a TSS, and for each vector a handler that halts. Vectors below 32 come
// in on a stack of their own.
#pragma once
#include "tests/contract/engine/engine_rig.h"

namespace lockstitch::test {

/// Guest-physical and linear addresses.
namespace place {
inline constexpr std::uint32_t pml4 = 0x1000, pdpt = 0x2000, pd = 0x3000, pt = 0x4000;  // four tables
inline constexpr std::uint32_t gdt = 0x8000, idt = 0x9000, tss = 0xa000;
inline constexpr std::uint32_t fault_stack_top = 0xd000, ring0_stack_top = 0xf000, stack_top = 0x1'1000;
inline constexpr std::uint32_t handlers = 0x1'2000, handler_bytes = 64;  // 256 of them
inline constexpr std::uint32_t code = 0x2'0000;
inline constexpr std::uint32_t data = 0x4'0000;     // 16 pages that only programs use
inline constexpr std::uint32_t results = 0x6'0000;  // and a page where they leave what they have found
inline constexpr std::uint32_t ram_end = 0x20'0000;
inline constexpr std::uint32_t rom = 0x30'0000, rom_bytes = 0x4000;
inline constexpr std::uint32_t spare = 0x40'0000;    // a hole that tests map
inline constexpr std::uint32_t mapped = 0x50'0000;   // a hole: registers of devices
inline constexpr std::uint32_t nowhere = 0x7f'f000;  // not present in the page tables
}  // namespace place

/// Selectors of the rig's GDT.
inline constexpr std::uint16_t kernel_code32 = 0x08, kernel_code = 0x10, kernel_data = 0x18, user_data = 0x2b,
                               user_code = 0x33, task = 0x40;

/// What an event has pushed in 64-bit mode.
struct Frame {
  std::uint64_t code = 0;  ///< 0: the vector has none
  std::uint64_t rip = 0, cs = 0, rflags = 0, rsp = 0, ss = 0;
};

class LongModeRig : public EngineRig {
 public:
  explicit LongModeRig(const EngineUnderTest& under_test);

  /// At the first byte of place::code, interrupts off.
  CpuState initial(unsigned ring = 0) const;
  void put_code(const GuestCode& code, Gpa at = place::code) { memory.put(at, code.bytes()); }
  static Gpa handler(unsigned vector) { return place::handlers + vector * place::handler_bytes; }
  /// Range: at most handler_bytes of code.
  void put_handler(unsigned vector, const GuestCode& code);
  /// Where a handler stands that has done nothing but its HLT.
  static std::uint64_t halted_in(unsigned vector) { return handler(vector) + 1; }
  static Gpa entry(std::uint64_t linear) { return place::pt + linear / page_bytes * 8; }
  /// Permissions of a page: bit 0 present, 1 writable, 2 user, 63 no execution. Order: before the guest has used it.
  void set_page(std::uint64_t linear, std::uint64_t flags);
  /// At the handler's first instruction, by RSP.
  Frame frame(bool with_code) const;
};

}  // namespace lockstitch::test
