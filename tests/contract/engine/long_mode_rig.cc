// See long_mode_rig.h.
#include "tests/contract/engine/long_mode_rig.h"

#include "lockstitch/assert.h"

namespace lockstitch::test {
namespace {

constexpr std::uint64_t accessed_dirty = 0x60;

}  // namespace

LongModeRig::LongModeRig(const EngineUnderTest& under_test) : EngineRig(under_test) {
  memory.map(0, place::ram_end, RigMemory::Kind::ram);
  for (unsigned i = 0; i < place::rom_bytes; ++i)
    *memory.backing(place::rom + i) = static_cast<std::uint8_t>(i * 5 + i / 256 + 1);
  memory.map(place::rom, place::rom_bytes, RigMemory::Kind::rom);

  memory.put_number(place::pml4, place::pdpt | 0x27);
  memory.put_number(place::pdpt, place::pd | 0x27);
  for (unsigned i = 0; i < 4; ++i) memory.put_number(place::pd + 8 * i, (place::pt + i * page_bytes) | 0x27);
  for (Gpa at = 0; at < RigMemory::size; at += page_bytes) set_page(at, 7);
  set_page(place::nowhere, 0);

  const std::uint64_t descriptors[] = {0,
                                       0x00cf'9b00'0000'ffff,
                                       0x00af'9b00'0000'ffff,
                                       0x00cf'9300'0000'ffff,
                                       0x00cf'fb00'0000'ffff,
                                       0x00cf'f300'0000'ffff,
                                       0x00af'fb00'0000'ffff,
                                       0,
                                       0x0000'8b00'0000'0067 | std::uint64_t{place::tss} << 16,
                                       0};
  for (unsigned i = 0; i < std::size(descriptors); ++i) memory.put_number(place::gdt + 8 * i, descriptors[i]);
  memory.put_number(place::tss + 4, place::ring0_stack_top);
  memory.put_number(place::tss + 0x24, place::fault_stack_top);  // IST1
  memory.put_number(place::tss + 0x66, 0x68, 2);                 // no I/O permission bitmap
  for (unsigned v = 0; v < 256; ++v) {
    const std::uint64_t target = handler(v), stack = v < 32 ? 1 : 0;
    memory.put_number(place::idt + v * 16, (target & 0xffff) | std::uint64_t{kernel_code} << 16 | stack << 32 |
                                               0xeeull << 40 | (target >> 16) << 48);
    memory.put_number(place::idt + v * 16 + 8, 0);
    put_handler(v, GuestCode().hlt());
  }
  engine->set_state(initial());
}

CpuState LongModeRig::initial(unsigned ring) const {
  CpuState s;
  const std::uint32_t dpl = ring << 5;
  const bool user = ring != 0;
  for (unsigned i = 0; i < 6; ++i) s.segment[i] = {user ? user_data : kernel_data, 0, 0xffff'ffff, 0xc093 | dpl};
  s.segment[unsigned(SegmentName::cs)] = {user ? user_code : kernel_code, 0, 0xffff'ffff, 0xa09b | dpl};
  s.segment[unsigned(SegmentName::fs)] = s.segment[unsigned(SegmentName::gs)] = {0, 0, 0, 0x1'0000};
  s.segment[unsigned(SegmentName::ldtr)] = {0, 0, 0, 0x1'0000};
  s.segment[unsigned(SegmentName::tr)] = {task, place::tss, 0x67, 0x8b};
  s.gdtr = {place::gdt, 0x4f};
  s.idtr = {place::idt, 0xfff};
  s.cr0 = 0x8001'0033;  // PG WP NE ET MP PE
  s.cr3 = place::pml4;
  s.cr4 = 0x620;   // OSXMMEXCPT OSFXSR PAE
  s.efer = 0xd01;  // NXE LMA LME SCE
  s.dr[6] = 0xffff'0ff0;
  s.dr[7] = 0x400;
  s.rip = place::code;
  s.gpr[unsigned(Gpr::rsp)] = place::stack_top;
  return s;
}

void LongModeRig::put_handler(unsigned vector, const GuestCode& code) {
  LS_ASSERT_CMP(code.size(), <=, place::handler_bytes);
  memory.put(handler(vector), code.bytes());
}

void LongModeRig::set_page(std::uint64_t linear, std::uint64_t flags) {
  memory.put_number(entry(linear), (linear & ~page_mask) | flags | accessed_dirty);
}

Frame LongModeRig::frame(bool with_code) const {
  Gpa at = gpr(Gpr::rsp);
  const auto next = [&] {
    at += 8;
    return memory.number(at - 8);
  };
  Frame frame;
  if (with_code) frame.code = next();
  frame.rip = next();
  frame.cs = next();
  frame.rflags = next();
  frame.rsp = next();
  frame.ss = next();
  return frame;
}

}  // namespace lockstitch::test
