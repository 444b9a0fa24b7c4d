// System instructions: control and debug registers, descriptor tables, MSRs, CPUID, time stamp, HLT, fences.
#include <algorithm>

#include "vmm/engine/interp/cpuid.h"
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/msr.h"
#include "vmm/engine/interp/paging.h"
#include "vmm/engine/interp/segments.h"

namespace lockstitch::interp {
namespace {

void require_cpl0(Cpu& cpu) {
  if (cpu.cpl != 0) raise(cpu, Vector::gp, 0);
}
void require_protected(Cpu& cpu) {
  if (cpu.real_or_v86()) raise(cpu, Vector::ud);
}

// ---- control registers ----

// PAE paging loads the four PDPTEs here and refuses reserved bits. They are read again at each walk, so that nothing is
// kept that a checkpoint would have to know (SDM 3A 4.4.1).
void check_pdptes(Cpu& cpu, std::uint64_t cr3) {
  for (unsigned i = 0; i < 4; ++i) {
    const Gpa at = (cr3 & 0xffff'ffe0) + 8 * i;
    const MemoryPage page = cpu.memory->page(at);
    std::uint64_t entry = 0;
    if (page.host) std::memcpy(&entry, page.host + (at & page_mask), 8);
    if ((entry & 1) && (entry & 0xffff'ff00'0000'01e6)) raise(cpu, Vector::gp, 0);
  }
}
bool pae_paging(const Cpu& cpu, std::uint64_t cr0_value, std::uint64_t cr4_value) {
  return (cr0_value & cr0::pg) && (cr4_value & cr4::pae) && !(cpu.efer & efer::lme);
}

void set_cr0(Cpu& cpu, std::uint64_t value) {
  constexpr std::uint64_t known = cr0::pe | cr0::mp | cr0::em | cr0::ts | cr0::et | cr0::ne | cr0::wp | cr0::am | cr0::nw | cr0::cd | cr0::pg;
  if (value >> 32) raise(cpu, Vector::gp, 0);
  value = (value & known) | cr0::et;
  if ((value & cr0::pg) && !(value & cr0::pe)) raise(cpu, Vector::gp, 0);
  if ((value & cr0::nw) && !(value & cr0::cd)) raise(cpu, Vector::gp, 0);
  const std::uint64_t changed = value ^ cpu.cr0;
  if ((changed & cr0::pg) && pae_paging(cpu, value, cpu.cr4)) check_pdptes(cpu, cpu.cr3);
  if (changed & cr0::pg) {
    if (value & cr0::pg) {
      if (cpu.efer & efer::lme) {
        if (!(cpu.cr4 & cr4::pae) || (cpu.segment[cs].attributes & attribute::l)) raise(cpu, Vector::gp, 0);
        cpu.efer |= efer::lma;
      }
    } else {
      if (cpu.code64()) raise(cpu, Vector::gp, 0);
      cpu.efer &= ~efer::lma;
    }
  }
  cpu.cr0 = value;
  if (changed & (cr0::pg | cr0::wp)) cpu.paging->flush();
  if (changed & cr0::pe) cpu.cpl = value & cr0::pe ? cpu.segment[ss].attributes >> 5 & 3 : 0;
  mode_changed(cpu);
}

void set_cr4(Cpu& cpu, std::uint64_t value) {
  if (value & ~cr4::supported) raise(cpu, Vector::gp, 0);
  if (cpu.long_mode() && !(value & cr4::pae)) raise(cpu, Vector::gp, 0);
  const std::uint64_t changed = value ^ cpu.cr4;
  if ((changed & (cr4::pae | cr4::pse | cr4::pge)) && pae_paging(cpu, cpu.cr0, value)) check_pdptes(cpu, cpu.cr3);
  cpu.cr4 = value;
  if (changed & (cr4::pae | cr4::pse | cr4::pge)) cpu.paging->flush();
  mode_changed(cpu);
}

void mov_from_cr(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  std::uint64_t value = 0;
  switch (op->r) {
    case 0: value = cpu.cr0; break;
    case 2: value = cpu.cr2; break;
    case 3: value = cpu.cr3; break;
    case 4: value = cpu.cr4; break;
    default: value = leave_door(cpu, {ExitKind::priority_read, 0, 0, 0, {}}).value & 15; break;
  }
  cpu.gpr[op->m / 8] = cpu.code64() ? value : value & 0xffff'ffff;
  LS_FINISH(cpu, op);
}
void mov_to_cr(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  const std::uint64_t value = cpu.code64() ? cpu.gpr[op->m / 8] : cpu.gpr[op->m / 8] & 0xffff'ffff;
  switch (op->r) {
    case 0: set_cr0(cpu, value); break;
    case 2: cpu.cr2 = value; break;
    case 3:
      if (cpu.long_mode() && (value >> 40)) raise(cpu, Vector::gp, 0);
      if (pae_paging(cpu, cpu.cr0, cpu.cr4)) check_pdptes(cpu, value);
      cpu.cr3 = value;
      mode_changed(cpu);
      break;
    case 4: set_cr4(cpu, value); break;
    default:
      if (value > 15) raise(cpu, Vector::gp, 0);
      leave_door(cpu, {ExitKind::priority_write, 0, 0, value, {}});
  }
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}
template <Handler h>
Handler bind_control(const Decoded& d, Op&) {
  const unsigned n = d.reg_number;
  return n == 0 || n == 2 || n == 3 || n == 4 || n == 8 ? h : nullptr;
}
template <Handler h>
Handler bind_debug(const Decoded& d, Op&) {
  return d.reg_number < 8 ? h : nullptr;
}

void check_debug_access(Cpu& cpu) {
  require_cpl0(cpu);
  if (cpu.dr[7] & 0x2000) {
    cpu.debug_status |= 0x2000;
    raise(cpu, Vector::db);
  }
}
unsigned debug_number(Cpu& cpu, const Op* op) {
  unsigned n = op->r;
  if ((n == 4 || n == 5) && (cpu.cr4 & cr4::de)) raise(cpu, Vector::ud);
  if (n == 4 || n == 5) n += 2;
  return n;
}
void mov_from_dr(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned n = debug_number(cpu, op);
  check_debug_access(cpu);
  cpu.gpr[op->m / 8] = cpu.code64() ? cpu.dr[n] : cpu.dr[n] & 0xffff'ffff;
  LS_FINISH(cpu, op);
}
void mov_to_dr(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned n = debug_number(cpu, op);
  check_debug_access(cpu);
  std::uint64_t value = cpu.code64() ? cpu.gpr[op->m / 8] : cpu.gpr[op->m / 8] & 0xffff'ffff;
  if (n >= 6 && value >> 32) raise(cpu, Vector::gp, 0);
  if (n == 6) value = (value & 0xe00f) | 0xffff'0ff0;
  if (n == 7) value = (value & 0xffff'2bff) | 0x400;
  cpu.dr[n] = value;
  if (n == 7) mode_changed(cpu);
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}

void lmsw(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  const std::uint16_t value = op->extra & extra_mem ? load<std::uint16_t>(cpu, op) : reg<std::uint16_t>(cpu, op->m);
  std::uint64_t now = (cpu.cr0 & ~0xeull) | (value & 0xe);
  now |= value & 1;  // PE can be set, not cleared
  set_cr0(cpu, now);
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}
void smsw(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if (op->extra & extra_mem)
    store<std::uint16_t>(cpu, op, static_cast<std::uint16_t>(cpu.cr0));
  else if (operand_size(op) == 2)
    set_reg<std::uint16_t>(cpu, op->m, static_cast<std::uint16_t>(cpu.cr0));
  else
    reg<std::uint64_t>(cpu, op->m) = cpu.cr0 & 0xffff'ffff;
  LS_FINISH(cpu, op);
}
void clts(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  cpu.cr0 &= ~cr0::ts;
  mode_changed(cpu);
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}

// ---- descriptor tables ----

template <bool idt>
void store_table(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const TableRegister& table = idt ? cpu.idtr : cpu.gdtr;
  const unsigned size = cpu.code64() ? 10 : 6;
  std::uint8_t image[10];
  std::memcpy(image, &table.limit, 2);
  std::memcpy(image + 2, &table.base, 8);
  write_linear(cpu, linear_for_write(cpu, op->seg, operand_offset(cpu, op), size), image, size);
  LS_RETURN(cpu, op);
}
template <bool idt>
void load_table(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  const unsigned size = cpu.code64() ? 10 : 6;
  std::uint8_t image[10] = {};
  read_linear(cpu, linear_for_read(cpu, op->seg, operand_offset(cpu, op), size), image, size);
  TableRegister table;
  std::memcpy(&table.limit, image, 2);
  std::memcpy(&table.base, image + 2, 8);
  if (!cpu.code64()) table.base &= operand_size(op) == 2 ? 0xff'ffff : 0xffff'ffff;
  if (!canonical(table.base)) raise(cpu, Vector::gp, 0);
  (idt ? cpu.idtr : cpu.gdtr) = table;
  LS_RETURN(cpu, op);
}
template <unsigned which>
void store_selector(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_protected(cpu);
  const std::uint16_t selector = cpu.segment[which].selector;
  if (op->extra & extra_mem)
    store<std::uint16_t>(cpu, op, selector);
  else if (operand_size(op) == 2)
    set_reg<std::uint16_t>(cpu, op->m, selector);
  else
    reg<std::uint64_t>(cpu, op->m) = selector;
  LS_RETURN(cpu, op);
}
std::uint16_t selector_operand(Cpu& cpu, const Op* op) {
  cpu.op = op;
  return op->extra & extra_mem ? load<std::uint16_t>(cpu, op) : reg<std::uint16_t>(cpu, op->m);
}
template <unsigned which>
void load_selector(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_protected(cpu);
  require_cpl0(cpu);
  const std::uint16_t selector = selector_operand(cpu, op);
  which == tr ? load_task_register(cpu, selector) : load_ldt(cpu, selector);
  LS_FINISH(cpu, op);
}

void set_zf(Cpu& cpu, bool zf) { cpu.flags = static_cast<std::uint16_t>((cpu.flags & ~flags_zf) | (zf ? flags_zf : 0)); }

template <bool write>
void verify(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_protected(cpu);
  const std::uint16_t selector = selector_operand(cpu, op);
  Descriptor d;
  bool ok = (selector & 0xfffc) != 0 && find_descriptor(cpu, selector, d) && d.is_segment();
  if (ok && !(d.is_code() && d.conforming())) ok = d.dpl() >= cpu.cpl && d.dpl() >= (selector & 3u);
  if (ok) ok = write ? !d.is_code() && d.writable() : !d.is_code() || d.readable();
  set_zf(cpu, ok);
  LS_RETURN(cpu, op);
}
template <bool limit>
void load_rights(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_protected(cpu);
  const std::uint16_t selector = selector_operand(cpu, op);
  Descriptor d;
  bool ok = (selector & 0xfffc) != 0 && find_descriptor(cpu, selector, d);
  if (ok && !d.is_segment()) {
    const unsigned type = d.type();
    const bool system_ok = type == 2 || type == 9 || type == 11 || (!cpu.long_mode() && (type == 1 || type == 3));
    const bool gate_ok = !limit && (type == 12 || (!cpu.long_mode() && (type == 4 || type == 5)));
    ok = system_ok || gate_ok;
  }
  if (ok && !(d.is_code() && d.conforming())) ok = d.dpl() >= cpu.cpl && d.dpl() >= (selector & 3u);
  if (ok) {
    const std::uint32_t value = limit ? d.limit() : static_cast<std::uint32_t>(d.raw >> 32 & 0x00f0'ff00);
    if (operand_size(op) == 2)
      set_reg<std::uint16_t>(cpu, op->r, static_cast<std::uint16_t>(value));
    else
      reg<std::uint64_t>(cpu, op->r) = value;
  }
  set_zf(cpu, ok);
  LS_RETURN(cpu, op);
}
void arpl(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_protected(cpu);
  const auto rpl = static_cast<std::uint16_t>(reg<std::uint16_t>(cpu, op->r) & 3);
  const std::uint16_t value = selector_operand(cpu, op);
  const bool raised = (value & 3) < rpl;
  if (raised) {
    const auto adjusted = static_cast<std::uint16_t>((value & ~3) | rpl);
    if (op->extra & extra_mem)
      store<std::uint16_t>(cpu, op, adjusted);
    else
      set_reg<std::uint16_t>(cpu, op->m, adjusted);
  }
  set_zf(cpu, raised);
  LS_FINISH(cpu, op);
}

// ---- the rest ----

void invlpg(Cpu& cpu, const Op* op) {  // translations are never stale
  cpu.op = op;
  require_cpl0(cpu);
  LS_NEXT(cpu, op);
}
void cache_control(Cpu& cpu, const Op* op) {  // INVD, WBINVD
  cpu.op = op;
  require_cpl0(cpu);
  LS_NEXT(cpu, op);
}
void swapgs(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if (!cpu.code64()) raise(cpu, Vector::ud);
  require_cpl0(cpu);
  std::swap(cpu.segment[gs].base, cpu.rest.kernel_gs_base);
  cpu.seg_base[gs] = cpu.segment[gs].base;
  LS_NEXT(cpu, op);
}
void hlt(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  cpu.activity = Activity::halted;
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}
void rdtsc(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if ((cpu.cr4 & cr4::tsd) && cpu.cpl != 0) raise(cpu, Vector::gp, 0);
  const std::uint64_t now = time_stamp(cpu);
  cpu.gpr[0] = now & 0xffff'ffff;
  cpu.gpr[2] = now >> 32;
  LS_NEXT(cpu, op);
}
void rdtscp(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if ((cpu.cr4 & cr4::tsd) && cpu.cpl != 0) raise(cpu, Vector::gp, 0);
  const std::uint64_t now = time_stamp(cpu);
  cpu.gpr[0] = now & 0xffff'ffff;
  cpu.gpr[2] = now >> 32;
  cpu.gpr[1] = cpu.rest.tsc_aux & 0xffff'ffff;
  LS_NEXT(cpu, op);
}
void rdpmc(Cpu& cpu, const Op* op) {  // no performance counters
  cpu.op = op;
  raise(cpu, Vector::gp, 0);
}
void cpuid_instruction(Cpu& cpu, const Op* op) {
  const CpuidResult r = cpuid(static_cast<std::uint32_t>(cpu.gpr[0]), static_cast<std::uint32_t>(cpu.gpr[1]), cpu.model);
  cpu.gpr[0] = r.eax;
  cpu.gpr[3] = r.ebx;
  cpu.gpr[1] = r.ecx;
  cpu.gpr[2] = r.edx;
  LS_NEXT(cpu, op);
}
// The APIC compares its deadline with virtual time; what the guest gives and sees is a value of its counter.
constexpr std::uint64_t no_deadline = 0, never = ~0ull;
std::uint64_t deadline_seen(const Cpu& cpu, std::uint64_t ns) {
  return ns == no_deadline || ns == never ? ns : ns + cpu.rest.tsc_offset;
}
std::uint64_t deadline_kept(const Cpu& cpu, std::uint64_t tsc) {
  if (tsc == no_deadline) return no_deadline;
  const std::uint64_t now = time_stamp(cpu), now_ns = now - cpu.rest.tsc_offset;
  if (tsc <= now) return std::max<std::uint64_t>(std::min(tsc - cpu.rest.tsc_offset, now_ns), 1);
  return tsc - now < never - now_ns ? now_ns + (tsc - now) : never;
}
// An armed deadline stays the same value of the counter, so its virtual time changes.
void write_time_stamp(Cpu& cpu, std::uint64_t value) {
  const ExitReply armed = leave_door(cpu, {ExitKind::msr_read, 8, 0x6e0, 0, {}});
  const std::uint64_t deadline = armed.fault ? no_deadline : deadline_seen(cpu, armed.value);
  write_msr(cpu, 0x10, value);
  if (deadline != no_deadline) leave_door(cpu, {ExitKind::msr_write, 8, 0x6e0, deadline_kept(cpu, deadline), {}});
}
void rdmsr(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  const auto index = static_cast<std::uint32_t>(cpu.gpr[1]);
  std::uint64_t value = 0;
  if (is_outside_msr(cpu, index)) {
    const ExitReply reply = leave_door(cpu, {ExitKind::msr_read, 8, index, 0, {}});
    if (reply.fault) raise(cpu, Vector::gp, 0);
    value = index == 0x6e0 ? deadline_seen(cpu, reply.value) : reply.value;
  } else if (!read_msr(cpu, index, value)) {
    raise(cpu, Vector::gp, 0);
  }
  cpu.gpr[0] = value & 0xffff'ffff;
  cpu.gpr[2] = value >> 32;
  LS_RETURN(cpu, op);
}
void wrmsr(Cpu& cpu, const Op* op) {
  cpu.op = op;
  require_cpl0(cpu);
  const auto index = static_cast<std::uint32_t>(cpu.gpr[1]);
  std::uint64_t value = (cpu.gpr[2] << 32) | (cpu.gpr[0] & 0xffff'ffff);
  const bool tells_offset = concerns_tsc_offset(cpu, index);
  if (tells_offset && index != 0x10) leave_door(cpu, {ExitKind::msr_write, 8, 0x10, cpu.rest.tsc_offset, {}});
  if (is_outside_msr(cpu, index)) {
    if (index == 0x6e0) value = deadline_kept(cpu, value);
    if (leave_door(cpu, {ExitKind::msr_write, 8, index, value, {}}).fault) raise(cpu, Vector::gp, 0);
  } else if (index == 0x10) {
    write_time_stamp(cpu, value);
  } else if (!write_msr(cpu, index, value)) {
    raise(cpu, Vector::gp, 0);
  }
  if (tells_offset && index == 0x10) leave_door(cpu, {ExitKind::msr_write, 8, 0x10, cpu.rest.tsc_offset, {}});
  LS_LEAVE(cpu, op, next_rip(cpu, op));
}
template <class S>
void bound_check(Cpu& cpu, const Op* op) {
  cpu.op = op;
  S range[2];
  const std::uint64_t offset = operand_offset(cpu, op);
  read_linear(cpu, linear_for_read(cpu, op->seg, offset, sizeof(S)), &range[0], sizeof(S));
  read_linear(cpu, linear_for_read(cpu, op->seg, (offset + sizeof(S)) & ones(address_size(op)), sizeof(S)), &range[1], sizeof(S));
  const auto index = static_cast<S>(reg64(cpu, op->r));
  if (index < range[0] || index > range[1]) raise(cpu, Vector::br);
  LS_RETURN(cpu, op);
}
Handler bind_bound(const Decoded& d, Op&) { return d.size == 2 ? bound_check<std::int16_t> : bound_check<std::int32_t>; }
void fence(Cpu& cpu, const Op* op) { LS_NEXT(cpu, op); }
void clflush(Cpu& cpu, const Op* op) {
  load<std::uint8_t>(cpu, op);
  LS_FINISH(cpu, op);
}
void ud(Cpu& cpu, const Op* op) {
  cpu.op = op;
  raise(cpu, Vector::ud);
}

template <Handler h>
Handler bind_fixed(const Decoded&, Op&) {
  return h;
}

constexpr std::uint32_t sys = attr::system, mr = attr::modrm | attr::system, ends = attr::system | attr::ends;
constexpr Field N = Field::number;

constexpr Row rows[] = {
    {"mov R,C", Map::two, 0x20, mr | attr::always_reg, Size::v, Imm::none, bind_control<mov_from_cr>, 0, -1, Prefix::any, Mod::any, N},
    {"mov C,R", Map::two, 0x22, mr | ends | attr::always_reg, Size::v, Imm::none, bind_control<mov_to_cr>, 0, -1, Prefix::any, Mod::any, N},
    {"mov R,D", Map::two, 0x21, mr | attr::always_reg, Size::v, Imm::none, bind_debug<mov_from_dr>, 0, -1, Prefix::any, Mod::any, N},
    {"mov D,R", Map::two, 0x23, mr | ends | attr::always_reg, Size::v, Imm::none, bind_debug<mov_to_dr>, 0, -1, Prefix::any, Mod::any, N},
    {"sldt", Map::two, 0x00, mr, Size::v, Imm::none, bind_fixed<store_selector<ldtr>>, 0, 0},
    {"str", Map::two, 0x00, mr, Size::v, Imm::none, bind_fixed<store_selector<tr>>, 0, 1},
    {"lldt", Map::two, 0x00, mr, Size::w, Imm::none, bind_fixed<load_selector<ldtr>>, 0, 2},
    {"ltr", Map::two, 0x00, mr, Size::w, Imm::none, bind_fixed<load_selector<tr>>, 0, 3},
    {"verr", Map::two, 0x00, mr, Size::w, Imm::none, bind_fixed<verify<false>>, 0, 4},
    {"verw", Map::two, 0x00, mr, Size::w, Imm::none, bind_fixed<verify<true>>, 0, 5},
    {"sgdt", Map::two, 0x01, mr, Size::v, Imm::none, bind_fixed<store_table<false>>, 0, 0, Prefix::any, Mod::memory},
    {"sidt", Map::two, 0x01, mr, Size::v, Imm::none, bind_fixed<store_table<true>>, 0, 1, Prefix::any, Mod::memory},
    {"lgdt", Map::two, 0x01, mr, Size::v, Imm::none, bind_fixed<load_table<false>>, 0, 2, Prefix::any, Mod::memory},
    {"lidt", Map::two, 0x01, mr, Size::v, Imm::none, bind_fixed<load_table<true>>, 0, 3, Prefix::any, Mod::memory},
    {"smsw", Map::two, 0x01, mr, Size::v, Imm::none, bind_fixed<smsw>, 0, 4},
    {"lmsw", Map::two, 0x01, mr | ends, Size::w, Imm::none, bind_fixed<lmsw>, 0, 6},
    {"invlpg", Map::two, 0x01, mr, Size::v, Imm::none, bind_fixed<invlpg>, 0, 7, Prefix::any, Mod::memory},
    {"swapgs", Map::two, 0x01, mr | attr::only64, Size::v, Imm::none, bind_fixed<swapgs>, 0, 7, Prefix::any, Mod::reg, Field::gpr, Field::gpr, 0},
    {"rdtscp", Map::two, 0x01, mr, Size::v, Imm::none, bind_fixed<rdtscp>, 0, 7, Prefix::any, Mod::reg, Field::gpr, Field::gpr, 1},
    {"lar Gv,Ew", Map::two, 0x02, mr, Size::v, Imm::none, bind_fixed<load_rights<false>>},
    {"lsl Gv,Ew", Map::two, 0x03, mr, Size::v, Imm::none, bind_fixed<load_rights<true>>},
    {"clts", Map::two, 0x06, ends, Size::v, Imm::none, bind_fixed<clts>},
    {"invd", Map::two, 0x08, sys, Size::v, Imm::none, bind_fixed<cache_control>},
    {"wbinvd", Map::two, 0x09, sys, Size::v, Imm::none, bind_fixed<cache_control>},
    {"ud2", Map::two, 0x0b, attr::ends, Size::v, Imm::none, bind_fixed<ud>},
    {"ud1", Map::two, 0xb9, attr::modrm | attr::ends | attr::sib_free, Size::v, Imm::none, bind_fixed<ud>},
    {"ud0", Map::two, 0xff, attr::modrm | attr::ends | attr::sib_free, Size::v, Imm::none, bind_fixed<ud>},
    {"wrmsr", Map::two, 0x30, ends, Size::v, Imm::none, bind_fixed<wrmsr>},
    {"rdtsc", Map::two, 0x31, sys, Size::v, Imm::none, bind_fixed<rdtsc>},
    {"rdmsr", Map::two, 0x32, sys, Size::v, Imm::none, bind_fixed<rdmsr>},
    {"rdpmc", Map::two, 0x33, sys, Size::v, Imm::none, bind_fixed<rdpmc>},
    {"cpuid", Map::two, 0xa2, sys, Size::v, Imm::none, bind_fixed<cpuid_instruction>},
    {"hlt", Map::one, 0xf4, ends, Size::v, Imm::none, bind_fixed<hlt>},
    {"arpl Ew,Gw", Map::one, 0x63, attr::modrm | attr::not64 | attr::system, Size::w, Imm::none, bind_fixed<arpl>},
    {"bound Gv,Ma", Map::one, 0x62, attr::modrm | attr::not64, Size::v, Imm::none, bind_bound, 0, -1, Prefix::any, Mod::memory},
    {"lfence", Map::two, 0xae, attr::modrm, Size::v, Imm::none, bind_fixed<fence>, 0, 5, Prefix::none, Mod::reg},
    {"mfence", Map::two, 0xae, attr::modrm, Size::v, Imm::none, bind_fixed<fence>, 0, 6, Prefix::none, Mod::reg},
    {"sfence", Map::two, 0xae, attr::modrm, Size::v, Imm::none, bind_fixed<fence>, 0, 7, Prefix::none, Mod::reg},
    {"clflush M", Map::two, 0xae, attr::modrm, Size::b, Imm::none, bind_fixed<clflush>, 0, 7, Prefix::none, Mod::memory},
};

}  // namespace

std::span<const Row> rows_system() { return rows; }

}  // namespace lockstitch::interp
