// See register_file.h.
#include "vmm/engine/kvm/register_file.h"

#include <utility>

#include "lockstitch/assert.h"
#include "vmm/engine/kvm/must.h"

namespace lockstitch::kvm {

namespace {

bool same_float(const CpuState& a, const CpuState& b) {
  return a.st == b.st && a.xmm == b.xmm && a.mxcsr == b.mxcsr && a.fpu_control == b.fpu_control &&
         a.fpu_status == b.fpu_status && a.fpu_tag == b.fpu_tag;
}

bool same_msrs(const CpuState& a, const CpuState& b) {
  for (const NativeMsr& msr : native_msrs) {
    if (a.*msr.field != b.*msr.field) return false;
  }
  return true;
}

constexpr std::uint64_t shared = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;

}  // namespace

RegisterFile::RegisterFile(KvmVcpu& vcpu, bool shares, bool steps)
    : vcpu_(vcpu), shares_(shares), steps_(steps), cpu_(cpu_at_reset()) {
  if (shares_) vcpu_.area().kvm_valid_regs = shared;
}

void RegisterFile::ran() {
  fresh_ = steps_ ? fresh_ & (msr_part | debug_part) : 0;
  cpu_.debug_blocked = false;
  cpu_.pending_debug = 0;
  changed_ = 0;
}

const CpuState& RegisterFile::general() {
  fetch(general_part);
  return cpu_;
}

const CpuState& RegisterFile::all() {
  fetch(all_parts);
  return cpu_;
}

void RegisterFile::fetch(unsigned parts) {
  parts &= ~fresh_;
  if (parts & general_part) {
    const kvm_sync_regs& area = vcpu_.area().s.regs;
    take_general(shares_ ? area.regs : must_have(vcpu_.registers()), cpu_);
    const TableRegister interrupt_table = cpu_.idtr;
    take_special(shares_ ? area.sregs : must_have(vcpu_.special_registers()), cpu_);
    if (empty_table_) cpu_.idtr = interrupt_table;
    const kvm_vcpu_events events = shares_ ? area.events : must_have(vcpu_.events());
    take_events(events, cpu_);
    exception_.reset();
    if (events.exception.injected || events.exception.pending) {
      exception_ = WaitingException{events.exception.nr, std::nullopt};
      if (events.exception.has_error_code) exception_->code = events.exception.error_code;
    }
  }
  if (parts & float_part) {
    kvm_xsave area;
    must(vcpu_.read_xsave(area));
    take_float(area, cpu_);
  }
  if (parts & msr_part) {
    std::array<kvm_msr_entry, native_msrs.size()> entries{};
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i].index = native_msrs[i].index;
    const int read = vcpu_.read_msrs(entries);
    for (int i = 0; i < read; ++i) cpu_.*native_msrs[static_cast<std::size_t>(i)].field = entries[i].data;
  }
  if (parts & debug_part) take_debug(must_have(vcpu_.debug_registers()), cpu_);
  fresh_ |= parts;
}

void RegisterFile::set(const CpuState& cpu) {
  const bool known = fresh_ == all_parts;
  if (!known || !same_float(cpu, cpu_)) changed_ |= float_part;
  if (!known || !same_msrs(cpu, cpu_)) changed_ |= msr_part;
  if (!known || cpu.dr != cpu_.dr) changed_ |= debug_part;
  changed_ |= general_part;
  cpu_ = cpu;
  fresh_ = all_parts;
  exception_.reset();
}

void RegisterFile::rewind(const CpuState& cpu) {
  cpu_.gpr = cpu.gpr;
  cpu_.rip = cpu.rip;
  cpu_.rflags = cpu.rflags;
  cpu_.segment = cpu.segment;
  cpu_.gdtr = cpu.gdtr;
  cpu_.idtr = cpu.idtr;
  cpu_.cr0 = cpu.cr0;
  cpu_.cr2 = cpu.cr2;
  cpu_.cr3 = cpu.cr3;
  cpu_.cr4 = cpu.cr4;
  cpu_.efer = cpu.efer;
  cpu_.interrupt_shadow = cpu.interrupt_shadow;
  cpu_.nmi_blocked = cpu.nmi_blocked;
  fresh_ |= general_part;
  changed_ |= general_part | msr_part | debug_part;
  exception_.reset();
}

std::optional<WaitingException> RegisterFile::take_exception() {
  LS_ASSERT(fresh_ & general_part);
  if (exception_) changed_ |= general_part;  // KVM must forget it
  return std::exchange(exception_, std::nullopt);
}

void RegisterFile::store(bool empty_interrupt_table) {
  if (empty_interrupt_table != empty_table_) changed_ |= general_part;
  if (changed_ & general_part) {
    fetch(general_part);
    kvm_run& run = vcpu_.area();
    kvm_sregs special = special_registers(cpu_);
    if (empty_interrupt_table) special.idt.limit = 0;
    empty_table_ = empty_interrupt_table;
    if (shares_ && !steps_) {
      run.s.regs.regs = general_registers(cpu_);
      run.s.regs.sregs = special;
      run.s.regs.events = events(cpu_);
      run.kvm_dirty_regs = shared;
    } else {
      must(vcpu_.set_special_registers(special));
      must(vcpu_.set_registers(general_registers(cpu_)));
      must(vcpu_.set_events(events(cpu_)));
    }
  }
  if (changed_ & float_part) {
    kvm_xsave area;
    put_float(cpu_, area);
    must(vcpu_.set_xsave(area));
  }
  if (changed_ & msr_part) {
    std::array<kvm_msr_entry, native_msrs.size()> entries{};
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries[i].index = native_msrs[i].index;
      entries[i].data = cpu_.*native_msrs[i].field;
    }
    vcpu_.set_msrs(entries);
  }
  if (changed_ & debug_part) must(vcpu_.set_debug_registers(debug_registers(cpu_)));
  changed_ = 0;
}

}  // namespace lockstitch::kvm
