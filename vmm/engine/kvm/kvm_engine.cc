// See kvm_engine.h. Here: the loop and the exits. Source: Linux Documentation/virt/kvm/api.rst.
#include "vmm/engine/kvm/kvm_engine.h"

#include <algorithm>
#include <cstring>

#include "lockstitch/assert.h"
#include "vmm/engine/interp/row.h"
#include "vmm/engine/kvm/must.h"
#include "vmm/engine/kvm/policy.h"
#include "vmm/engine/kvm/stepping.h"

namespace lockstitch::kvm {

namespace {

/// Unit: ns. How long a guest may run without an exit before somebody's patience is asked for.
constexpr std::uint64_t patience_ns = 1'000'000'000;
constexpr Gpa apic_page = 0xfee0'0000;
constexpr std::uint32_t msr_tsc = 0x10;

CpuState dead() {
  CpuState cpu = cpu_at_reset();
  cpu.activity = Activity::shutdown;
  return cpu;
}

std::uint64_t scaled(std::uint64_t value, std::uint64_t times, std::uint64_t by) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(value) * times / by);
}

}  // namespace

KvmEngine::KvmEngine(GuestMemory& memory, const KvmOptions& options, KvmVm vm, KvmVcpu vcpu, bool shares_registers,
                     std::uint32_t tsc_khz)
    : memory_(memory),
      options_(options),
      vm_(std::move(vm)),
      vcpu_(std::move(vcpu)),
      registers_(vcpu_, shares_registers, options.ticks == TickUnit::instruction),
      counter_pages_(memory),
      slots_(vm_, memory, options.ticks == TickUnit::exit ? &counter_pages_ : nullptr),
      helper_(memory, options.model),
      kick_(vcpu_.area()),
      tsc_khz_(tsc_khz) {}

KvmEngine::~KvmEngine() = default;

EngineTraits KvmEngine::traits() const {
  EngineTraits traits;
  traits.name = "kvm";
  traits.ticks = options_.ticks;
  traits.counts_exactly = traits.stops_exactly = options_.ticks != TickUnit::host_ns;
  traits.traps_tsc = traits.traps_random = options_.ticks == TickUnit::instruction;
  return traits;
}

std::vector<EngineCounter> KvmEngine::engine_counters() const {
  return {{"entries", counters_.entries},
          {"emulation_failures", counters_.emulation_failures},
          {"register_accesses", counters_.register_accesses},
          {"counter_pages", counters_.counter_pages},
          {"held_accesses", counters_.held_accesses},
          {"deliveries", counters_.deliveries},
          {"steps", counters_.steps},
          {"handed_steps", counters_.handed_steps},
          {"faulted_steps", counters_.faulted_steps},
          {"kicks", counters_.kicks},
          {"memory_maps", slots_.changes()}};
}

bool KvmEngine::accepts_interrupt() const {
  const CpuState& cpu = registers_.general();
  return (cpu.rflags & interp::flag::if_) && !cpu.interrupt_shadow && cpu.activity != Activity::shutdown &&
         cpu.activity != Activity::wait_for_startup;
}

bool KvmEngine::accepts_nmi() const {
  const CpuState& cpu = registers_.general();
  return !cpu.nmi_blocked && !cpu.interrupt_shadow && cpu.activity != Activity::shutdown &&
         cpu.activity != Activity::wait_for_startup;
}

void KvmEngine::wake() {
  if (activity() == Activity::halted) registers_.set_activity(Activity::running);
}

void KvmEngine::set_state(const CpuState& state) {
  registers_.set(state);
  counter_stale_ = true;
  spun_ = false;
}

CpuState KvmEngine::state() const {
  CpuState cpu = registers_.all();
  if (options_.ticks != TickUnit::host_ns || counter_stale_) return cpu;
  const std::uint64_t counter = must_have(vcpu_.msr(msr_tsc));
  cpu.tsc_offset = (tsc_khz_ == 0 ? counter : scaled(counter, model_tsc_khz, tsc_khz_)) - clock_.at(tick_).value;
  return cpu;
}

void KvmEngine::memory_written(Gpa gpa, std::uint64_t length) {
  helper_.memory_written(gpa, length);
  // What lies there at power-on is a kernel in its packing: only in part code, and much read.
  if (options_.ticks == TickUnit::exit && started_) counter_pages_.written(gpa, length);
}

void KvmEngine::memory_remapped() {
  counter_pages_.forget_all();
  known_roots_.clear();
  slots_.map_changed();
  helper_.memory_remapped();
}

// ---- the loop ----

Exit KvmEngine::run(const RunRequest& request, ExitDoor& door) {
  door_ = &door;
  clock_ = request.clock;
  start_ = tick_ = request.start;
  bound_ = request.bound;
  want_window_ = request.want_window;
  started_ns_ = host_now_ns();
  priority_stale_ = true;
  if (request.interrupt || request.nmi) deliver(request);
  arm_kick();
  for (;;) {
    if (const std::optional<Exit> end = ended()) {
      kick_.disarm();
      return *end;
    }
    options_.ticks == TickUnit::instruction ? step() : enter();
  }
}

std::optional<Exit> KvmEngine::ended() {
  if (access_pending_) return std::nullopt;  // in mid-instruction
  const auto ends = [this]() -> std::optional<ExitKind> {
    if (activity() == Activity::shutdown) return ExitKind::shutdown;
    if (activity() != Activity::running) return ExitKind::halted;
    if (spun_) return ExitKind::spinning;
    if (bound_reached()) return ExitKind::bound;
    if (want_window_ && accepts_interrupt()) return ExitKind::interrupt_window;
    return std::nullopt;
  };
  std::optional<ExitKind> end = ends();
  if (!end) return std::nullopt;
  if (settle()) end = ends();
  if (!end) return std::nullopt;
  if (*end == ExitKind::interrupt_window) now();
  return at(*end);
}

void KvmEngine::enter() {
  share_priority();
  if (!access_pending_) {
    if (options_.ticks == TickUnit::exit) look_for_counter_pages();
    registers_.store();
    set_counter();
  }
  slots_.refresh();
  vcpu_.area().request_interrupt_window = want_window_;
  run_processor();
  handle_exit();
  if (access_pending_ && bound_reached()) finish_instruction();
}

void KvmEngine::run_processor() {
  ++counters_.entries;
  must(vcpu_.run());
  registers_.ran();
  access_pending_ = false;
}

void KvmEngine::handle_exit() {
  kvm_run& area = vcpu_.area();
  if (area.cr8 != priority_) {
    priority_ = static_cast<std::uint8_t>(area.cr8);
    leave_at({ExitKind::priority_write, 1, 8, priority_, {}});
  }
  if (area.exit_reason != KVM_EXIT_INTERNAL_ERROR) counter_page_visits_ = 0;
  switch (area.exit_reason) {
    case KVM_EXIT_IO:
      return access_ports();
    case KVM_EXIT_MMIO:
      return access_memory();
    case KVM_EXIT_HLT:
      registers_.general();
      registers_.set_activity(Activity::halted);
      return exit_passed();
    case KVM_EXIT_INTR:
      if (area.immediate_exit != 0) ++counters_.kicks;
      return check_patience();
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
      return;
    case KVM_EXIT_SHUTDOWN:
      return registers_.set(dead());
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR: {
      ++counters_.register_accesses;
      const CpuState before = registers_.all();
      undo_access();
      registers_.set(before);
      return hand_over();
    }
    case KVM_EXIT_INTERNAL_ERROR:
    case KVM_EXIT_FAIL_ENTRY:
      registers_.general();
      registers_.take_exception();  // the instruction meets it again
      if (on_counter_page()) return execute_counter_page();
      ++counters_.emulation_failures;
      return hand_over();
    default:
      LS_ASSERT_CMP(area.exit_reason, ==, unsigned{KVM_EXIT_UNKNOWN});
      LS_ASSERT(!"KVM gave up");
  }
}

void KvmEngine::exit_passed() {
  switch (options_.ticks) {
    case TickUnit::exit:
    case TickUnit::instruction:
      tick_ = tick_ + 1;
      break;
    case TickUnit::host_ns:
      tick_ = std::max(now(), start_ + 1);
      break;
  }
}

void KvmEngine::check_patience() {
  if (options_.ticks != TickUnit::exit || vcpu_.area().immediate_exit == 0) {
    if (options_.ticks == TickUnit::host_ns) arm_kick();
    return;
  }
  asked_ = tick_ == spin_tick_ ? asked_ + 1 : 0;
  if (asked_ != 0 && options_.patience && !options_.patience(asked_)) spun_ = true;
  spin_tick_ = tick_;
  arm_kick();
}

// Completes an access, and whatever else its instruction accesses, so that the guest stands on a boundary.
void KvmEngine::finish_instruction() {
  kvm_run& area = vcpu_.area();
  for (;;) {
    const std::uint8_t kicked = area.immediate_exit;
    area.immediate_exit = 1;
    run_processor();
    area.immediate_exit = kicked;
    if (area.exit_reason == KVM_EXIT_INTR) {
      if (options_.ticks != TickUnit::exit || !inside_string()) return;
      // KVM looks up now and then inside a long REP instruction. Its next element leaves again.
      area.request_interrupt_window = 0;
      run_processor();
    }
    handle_exit();
    if (!access_pending_) return;
  }
}

// After the last access: has a REP instruction not ended? KVM does not tell, so it is read off the instruction at RIP
// and off what it accessed.
bool KvmEngine::inside_string() {
  const CpuState& cpu = registers_.general();
  helper_.set_state(cpu);
  const interp::Row* row = helper_.next_row();
  if (row == nullptr || std::strncmp(row->name, "rep", 3) != 0 || cpu.gpr[unsigned(Gpr::rcx)] == 0) return false;
  if (!last_access_.write) return cpu.rip == last_access_.rip;
  const std::uint64_t back =
      cpu.rflags & interp::flag::df ? std::uint64_t{last_access_.width} : 0 - std::uint64_t{last_access_.width};
  const bool outs = std::strstr(row->name, "outs") != nullptr;
  if (last_access_.port != outs) return false;
  if (outs) return last_access_.address == (cpu.gpr[unsigned(Gpr::rdx)] & 0xffff);
  return ((cpu.gpr[unsigned(Gpr::rdi)] + back) & page_mask) == (last_access_.address & page_mask);
}

// An exception that KVM was about to deliver is delivered here, for a boundary lies behind it. False: there is none.
bool KvmEngine::settle() {
  registers_.general();
  const std::optional<WaitingException> waiting = registers_.take_exception();
  if (!waiting) return false;
  ++counters_.deliveries;
  helper_.set_state(registers_.all());
  helper_.queue_exception(waiting->vector, waiting->code);
  run_helper({}, 0);
  return true;
}

// ---- accesses ----

ExitReply KvmEngine::leave_at(Exit exit) {
  exit.tick = now();
  const ExitReply reply = door_->leave(exit);
  const bool earlier = reply.bound < bound_;
  bound_ = reply.bound;
  const bool priority = exit.kind == ExitKind::priority_read || exit.kind == ExitKind::priority_write;
  if (options_.ticks == TickUnit::exit && !priority) tick_ = tick_ + 1;
  if (options_.ticks == TickUnit::host_ns && earlier) arm_kick();
  const bool memory = exit.kind == ExitKind::memory_read || exit.kind == ExitKind::memory_write;
  if (exit.kind == ExitKind::msr_write || (memory && (exit.address & ~page_mask) == apic_page)) priority_stale_ = true;
  return reply;
}

// Of the helper in mid-instruction.
ExitReply KvmEngine::leave(const Exit& exit) {
  ExitReply reply = leave_at(exit);
  reply.bound = exit.tick + 1;
  return reply;
}

void KvmEngine::access_ports() {
  access_pending_ = true;
  const auto io = vcpu_.area().io;
  std::uint8_t* data = reinterpret_cast<std::uint8_t*>(&vcpu_.area()) + io.data_offset;
  const bool write = io.direction == KVM_EXIT_IO_OUT;
  for (std::uint32_t i = 0; i < io.count; ++i, data += io.size) {
    Exit exit{write ? ExitKind::port_write : ExitKind::port_read, io.size, io.port, 0, {}};
    if (write) std::memcpy(&exit.value, data, io.size);
    const std::uint64_t value = leave_at(exit).value;
    if (!write) std::memcpy(data, &value, io.size);
    last_access_ = {write, true, io.port, write ? exit.value : value, 0, io.size};
  }
  if (options_.ticks == TickUnit::exit) last_access_.rip = registers_.general().rip;
}

void KvmEngine::access_memory() {
  access_pending_ = true;
  if (access_held_page()) return;
  auto& mmio = vcpu_.area().mmio;
  last_access_ = {mmio.is_write != 0, false, mmio.phys_addr, 0, 0, mmio.len};
  for (unsigned done = 0; done < mmio.len;) {
    const unsigned left = mmio.len - done;
    const unsigned width = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    Exit exit{mmio.is_write ? ExitKind::memory_write : ExitKind::memory_read,
              static_cast<std::uint8_t>(width),
              mmio.phys_addr + done,
              0,
              {}};
    if (mmio.is_write) std::memcpy(&exit.value, mmio.data + done, width);
    const std::uint64_t value = leave_at(exit).value;
    if (!mmio.is_write) std::memcpy(mmio.data + done, &value, width);
    done += width;
  }
  if (options_.ticks == TickUnit::exit) last_access_.rip = registers_.general().rip;
}

// Of RAM that is in no slot. False: it is a device's.
bool KvmEngine::access_held_page() {
  auto& mmio = vcpu_.area().mmio;
  if (!counter_pages_.holds(mmio.phys_addr)) return false;
  ++counters_.held_accesses;
  if (mmio.is_write) {
    memory_.mark_dirty(mmio.phys_addr);
    memory_.write(mmio.phys_addr, {mmio.data, mmio.len});
  } else {
    memory_.read(mmio.phys_addr, {mmio.data, mmio.len});
  }
  return true;
}

// ---- pages that may read the counter ----

void KvmEngine::look_for_counter_pages() {
  constexpr std::uint64_t often = 512;  // exits
  const CpuState& cpu = registers_.general();
  const bool known = started_ && known_roots_.count(cpu.cr3) != 0;
  started_ = true;
  if (known && tick_ - looked_at_ < often && tick_ >= looked_at_) return;
  known_roots_.insert(cpu.cr3);
  looked_at_ = tick_;
  slots_.collect_writes();
  counter_pages_.look(cpu);
}

bool KvmEngine::on_counter_page() {
  if (options_.ticks != TickUnit::exit || counter_pages_.held().empty()) return false;
  helper_.set_state(registers_.general());
  const auto at = helper_.next_gpa();
  return at && counter_pages_.holds(*at);
}

// Until the guest leaves the page, or the run ends. A guest that comes back at once, again and again, is executed for
// longer and longer stretches: wherever that ends, the outcome is the same.
void KvmEngine::execute_counter_page() {
  constexpr std::uint64_t longest = 1u << 20, hot_after = 8;
  const bool hot = ++counter_page_visits_ > hot_after;
  stretch_ = hot ? std::min(stretch_ * 2, longest) : 16;
  const Tick before = tick_;
  helper_.set_state(registers_.all());
  if (hot) helper_.drop_caches();
  const auto goes_on = [&](const Exit& exit) {
    return exit.kind != ExitKind::shutdown && helper_.activity() == Activity::running && tick_ == before &&
           !(want_window_ && helper_.accepts_interrupt());
  };
  RunRequest request;
  request.single = !hot;
  request.want_window = want_window_;
  for (;;) {
    const Tick began = helper_tick_;
    const Exit exit = run_helper_only(request, hot ? stretch_ : 1);
    counters_.counter_pages += helper_tick_ - began;
    if (helper_.inside_string()) continue;
    if (goes_on(exit)) {
      const auto at = helper_.next_gpa();
      if (at && counter_pages_.holds(*at)) continue;
    }
    return take_over_from_helper(exit, helper_tick_);
  }
}

// Lets KVM complete the instruction with anything, whatever it accesses: its registers are put back afterwards.
void KvmEngine::undo_access() {
  kvm_run& area = vcpu_.area();
  const std::uint8_t kicked = area.immediate_exit;
  for (;;) {
    if (area.exit_reason == KVM_EXIT_X86_RDMSR || area.exit_reason == KVM_EXIT_X86_WRMSR) area.msr.error = 0;
    area.immediate_exit = 1;
    run_processor();
    const unsigned reason = area.exit_reason;
    if (reason != KVM_EXIT_IO && reason != KVM_EXIT_MMIO) break;
  }
  area.immediate_exit = kicked;
}

// CR8 is the task priority of the local APIC, which is ours; KVM keeps a copy.
void KvmEngine::share_priority() {
  if (!priority_stale_) return;
  priority_stale_ = false;
  priority_ = static_cast<std::uint8_t>(leave_at({ExitKind::priority_read, 1, 8, 0, {}}).value);
  vcpu_.area().cr8 = priority_;
}

// ---- hand-over ----

void KvmEngine::hand_over() {
  helper_.set_state(registers_.all());
  RunRequest one;
  one.single = true;
  // To whoever counts exits a REP instruction has no boundaries inside.
  do {
    run_helper(one, 1);
  } while (options_.ticks == TickUnit::exit && helper_.inside_string());
}

void KvmEngine::deliver(const RunRequest& event) {
  ++counters_.deliveries;
  helper_.set_state(registers_.all());
  RunRequest only;
  only.interrupt = event.interrupt;
  only.nmi = event.nmi;
  run_helper(only, 0);
}

void KvmEngine::run_helper(const RunRequest& request, std::uint64_t instructions) {
  const Tick before = helper_tick_;
  const Exit exit = run_helper_only(request, instructions);
  take_over_from_helper(exit, before);
}

// The state stays the helper's.
Exit KvmEngine::run_helper_only(RunRequest request, std::uint64_t instructions) {
  request.start = helper_tick_;
  request.bound = helper_tick_ + instructions;
  request.clock = {0, clock_.at(now()).value};
  const Exit exit = helper_.run(request, *this);
  helper_tick_ = exit.tick;
  return exit;
}

void KvmEngine::take_over_from_helper(const Exit& exit, Tick before) {
  registers_.set(helper_.state());
  if (activity() == Activity::halted) return exit_passed();
  if (exit.kind == ExitKind::shutdown && options_.ticks != TickUnit::instruction) return registers_.set(dead());
  if (options_.ticks == TickUnit::instruction) tick_ = tick_ + (exit.tick - before);
}

// ---- stepping ----

void KvmEngine::step() {
  const CpuState before = registers_.general();
  helper_.set_state(before);
  const interp::Row* row = helper_.next_row();
  if (row == nullptr || !steps_on_processor(*row, before, options_.undefined_flags)) {
    ++counters_.handed_steps;
    return hand_over();
  }
  share_priority();
  slots_.refresh();
  registers_.store(true);
  must(vcpu_.set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
  run_processor();
  const kvm_run& area = vcpu_.area();
  if (area.exit_reason == KVM_EXIT_DEBUG) {
    ++counters_.steps;
    tick_ = tick_ + 1;
    return;
  }
  ++counters_.faulted_steps;
  if (area.exit_reason == KVM_EXIT_IO || area.exit_reason == KVM_EXIT_MMIO) undo_access();
  registers_.rewind(before);
  hand_over();
}

// ---- ticks ----

Tick KvmEngine::now() {
  if (options_.ticks != TickUnit::host_ns) return tick_;
  const Tick reached = start_ + (host_now_ns() - started_ns_);
  tick_ = std::max(tick_, std::min(reached, Tick{bound_.value - 1}));
  return tick_;
}

bool KvmEngine::bound_reached() {
  if (options_.ticks != TickUnit::host_ns) return tick_ >= bound_;
  if (start_ + (host_now_ns() - started_ns_) < bound_) return false;
  if (!access_pending_) tick_ = bound_;  // else the instruction may make more accesses, and they come before
  return true;
}

void KvmEngine::arm_kick() {
  vcpu_.area().immediate_exit = 0;
  if (options_.ticks == TickUnit::exit) return kick_.arm(patience_ns);
  if (options_.ticks == TickUnit::instruction) return;
  const std::uint64_t passed = host_now_ns() - started_ns_;
  const std::uint64_t whole = bound_ - start_;
  kick_.arm(whole > passed ? whole - passed : 1);
}

void KvmEngine::set_counter() {
  if (options_.ticks != TickUnit::host_ns || !counter_stale_) return;
  counter_stale_ = false;
  const std::uint64_t value = clock_.at(tick_).value + registers_.tsc_offset();
  must(vcpu_.set_msr(msr_tsc, tsc_khz_ == 0 ? value : scaled(value, tsc_khz_, model_tsc_khz)));
}

}  // namespace lockstitch::kvm
