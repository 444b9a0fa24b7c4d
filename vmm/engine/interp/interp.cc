// See interp.h.
#include "vmm/engine/interp/interp.h"

#include <array>
#include <cstring>

#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/block_store.h"
#include "vmm/engine/interp/branch.h"
#include "vmm/engine/interp/decoder.h"
#include "vmm/engine/interp/delivery.h"
#include "vmm/engine/interp/fpu_state.h"
#include "vmm/engine/interp/paging.h"

namespace lockstitch::interp {
namespace {

constexpr unsigned block_ops_max = 48;

/// Unit: exceptions. After so many without a retired instruction one tick passes all the same.
constexpr unsigned faults_at_tick_max = 4096;

void undefined_opcode(Cpu& cpu, const Op* op) {
  cpu.op = op;
  raise(cpu, Vector::ud);
}

void over_long(Cpu& cpu, const Op* op) {
  cpu.op = op;
  raise(cpu, Vector::gp, 0);
}

// Behind the last instruction of a block that does not branch: on to the next address.
void fall_through(Cpu& cpu, const Op* op) { LS_GO(cpu, op, 0, op_rip(cpu, op)); }

bool contributory(unsigned vector) { return vector == 0 || (vector >= 10 && vector <= 13); }

}  // namespace

void raise(Cpu& cpu, Vector vector) {
  cpu.fault_vector = vector;
  cpu.fault_has_code = false;
  cpu.fault_code = 0;
  std::longjmp(cpu.fault_exit, 1);
}

void raise(Cpu& cpu, Vector vector, std::uint32_t error_code) {
  cpu.fault_vector = vector;
  cpu.fault_has_code = true;
  cpu.fault_code = error_code;
  std::longjmp(cpu.fault_exit, 1);
}

Boundary boundary_now(const Cpu& cpu) { return {tick_now(cpu), cpu.interp->delivered()}; }

ExitReply leave_door(Cpu& cpu, Exit exit) {
  exit.tick = tick_now(cpu);
  leave_guest_float(cpu);
  const ExitReply reply = cpu.door->leave(exit);
  enter_guest_float(cpu);
  const auto left = static_cast<std::int64_t>(reply.bound - exit.tick);
  LS_ASSERT_CMP(left, >, 0);
  cpu.end_tick = reply.bound.value;
  if (cpu.hidden_ticks > 0) {
    cpu.hidden_ticks = left - (cpu.ticks_left + unretired(cpu));
  } else {
    cpu.ticks_left = left - unretired(cpu);
    if (cpu.ticks_left < 0) cpu.break_block = true;
  }
  return reply;
}

void mode_changed(Cpu& cpu) {
  const Segment& code = cpu.segment[cs];
  std::uint32_t mode = 0;
  if (cpu.long_mode() && (code.attributes & attribute::l))
    mode = mode_code64;
  else if (!cpu.real_or_v86() || !cpu.v86())
    mode = code.attributes & attribute::db ? mode_code32 : mode_code16;
  if ((mode & mode_code_mask) != mode_code64 && (cpu.segment[ss].attributes & attribute::db)) mode |= mode_stack32;
  if (cpu.cr0 & cr0::ts) mode |= mode_ts;
  if (cpu.cr0 & cr0::em) mode |= mode_em;
  if (cpu.cr0 & cr0::mp) mode |= mode_mp;
  if (!(cpu.cr4 & cr4::osfxsr)) mode |= mode_no_sse;
  if ((cpu.mxcsr & 0x1f80) != 0x1f80) mode |= mode_sse_unmasked;
  cpu.align_check = (cpu.cr0 & cr0::am) && (cpu.other_flags & flag::ac) && cpu.cpl == 3;
  bool data_breakpoint = false;
  for (unsigned i = 0; i < 4; ++i)
    data_breakpoint |= (cpu.dr[7] >> (2 * i) & 3) && (cpu.dr[7] >> (16 + 4 * i) & 1);
  if (data_breakpoint || cpu.align_check) mode |= mode_careful;
  if (cpu.cpl == 3) mode |= mode_user;
  if ((mode & mode_code_mask) != mode_code64 && code.limit != 0xffff'ffff) mode |= mode_limited;
  cpu.mode = mode;
  const bool flat = (mode & mode_code_mask) == mode_code64;
  for (unsigned i = 0; i < segment_count; ++i)
    cpu.seg_base[i] = flat && i < fs ? 0 : cpu.segment[i].base;
  cpu.paging->select();
}

Interp::Interp(GuestMemory& memory, CpuModel model)
    : cpu_(std::make_unique<Cpu>()), jump_cache_(jump_entries), memory_(memory) {
  Cpu& cpu = *cpu_;
  cpu.interp = this;
  cpu.memory = &memory;
  cpu.model = model;
  cpu.jump_cache = jump_cache_.data();
  cpu.watch = &watch_;
  paging_ = std::make_unique<Paging>(cpu, memory);
  cpu.paging = paging_.get();
  blocks_ = std::make_unique<BlockStore>(cpu, *paging_);
  cpu.blocks = blocks_.get();
  scratch_storage_.resize((sizeof(Block) + (block_ops_max + 2) * sizeof(Op)) / 8 + 1);
  scratch_ = reinterpret_cast<Block*>(scratch_storage_.data());
  set_state(cpu_at_reset());
}

Interp::~Interp() = default;

EngineTraits Interp::traits() const {
  return {.name = "interp", .counts_exactly = true, .stops_exactly = true, .traps_tsc = true, .traps_random = true, .no_visible_tlb = true};
}

bool Interp::accepts_interrupt() const {
  return (cpu_->other_flags & flag::if_) && !cpu_->shadow && pending_.kind == EventKind::none &&
         cpu_->activity != Activity::shutdown && cpu_->activity != Activity::wait_for_startup;
}
bool Interp::accepts_nmi() const {
  return !cpu_->rest.nmi_blocked && !cpu_->shadow && pending_.kind == EventKind::none && cpu_->activity != Activity::shutdown &&
         cpu_->activity != Activity::wait_for_startup;
}
Activity Interp::activity() const { return cpu_->activity; }
void Interp::wake() {
  if (cpu_->activity == Activity::halted) cpu_->activity = Activity::running;
}

void Interp::drop_caches() {
  blocks_->flush();
  paging_->flush();
}

void Interp::set_watched(const WatchSet& set) {
  const auto old_breakpoints = watch_.breakpoints();
  const bool split = watch_.splits_blocks();
  const bool ranges = watch_.has_ranges() || !set.ranges.empty();
  watch_.set(set);
  if (old_breakpoints != watch_.breakpoints() || split != watch_.splits_blocks()) {
    blocks_->flush();
    cpu_->link_from = nullptr;
  }
  if (ranges) paging_->flush();
}
std::optional<WatchHit> Interp::take_hit() { return watch_.take_hit(); }
std::uint32_t Interp::delivered() const { return delivered_tick_ == tick_now(*cpu_).value ? delivered_ : 0; }

void Interp::memory_written(Gpa gpa, std::uint64_t length) {
  paging_->written_by_device(gpa, length);
  if (watch_.has_ranges()) watch_.written(gpa, length, WatchKind::device_write, boundary_now(*cpu_));
}
void Interp::memory_remapped() {
  paging_->flush();
  blocks_->flush_soon();
  cpu_->break_block = true;
}

void Interp::dirty_cleared() { paging_->flush_writes(); }

Exit Interp::run(const RunRequest& request, ExitDoor& door) {
  Cpu& cpu = *cpu_;
  cpu.door = &door;
  cpu.clock = request.clock;
  cpu.end_tick = request.bound.value;
  cpu.ticks_left = static_cast<std::int64_t>(request.bound - request.start);
  cpu.hidden_ticks = 0;
  faults_at_tick_ = 0;
  single_ = request.single;
  at_start_ = true;
  cpu.want_window = request.want_window;
  cpu.link_from = nullptr;
  LS_ASSERT_CMP(cpu.ticks_left, >=, 0);
  if (request.nmi) {
    LS_ASSERT(accepts_nmi());
    pending_ = {EventKind::nmi, 2, false, 0};
    wake();
  } else if (request.interrupt) {
    LS_ASSERT(accepts_interrupt());
    pending_ = {EventKind::external, *request.interrupt, false, 0};
    wake();
  }
  enter_guest_float(cpu);
  const ExitKind kind = loop();
  leave_guest_float(cpu);
  return {kind, 0, 0, 0, tick_now(cpu)};
}

// The faulting op retires nothing; nested faults become #DF or a shutdown (SDM 3A 6.15, table 6-5).
void Interp::take_fault() {
  Cpu& cpu = *cpu_;
  if (cpu.block) {
    cpu.ticks_left += unretired(cpu);
    cpu.rip = op_rip(cpu, cpu.op);
    cpu.block = nullptr;
  }
  finish_step();
  if (const std::uint64_t tick = tick_now(cpu).value; tick != fault_tick_) {
    fault_tick_ = tick;
    faults_at_tick_ = 0;
  }
  if (cpu.in_new_task && !delivering_) uncounted_ = true;
  cpu.in_new_task = false;
  Event fault{EventKind::exception, static_cast<std::uint8_t>(cpu.fault_vector), cpu.fault_has_code, cpu.fault_code};
  if (delivering_) {
    delivering_ = false;
    if (pending_.kind == EventKind::exception) {
      const unsigned first = pending_.vector, second = fault.vector;
      if (first == 8) {
        cpu.activity = Activity::shutdown;
        pending_ = {};
        return;
      }
      if ((contributory(first) && contributory(second)) || (first == 14 && (contributory(second) || second == 14)))
        fault = {EventKind::exception, 8, true, 0};
    }
  }
  pending_ = fault;
  ++counters_.exceptions;
  // A guest whose handlers fault at once would stay at this tick for ever: let time pass, so that it can be stopped.
  if (++faults_at_tick_ >= faults_at_tick_max) {
    faults_at_tick_ = 0;
    --cpu.ticks_left;
    uncounted_ = true;
  }
}

void Interp::deliver_pending() {
  Cpu& cpu = *cpu_;
  delivering_ = true;
  cpu.link_from = nullptr;  // the branch did not lead to the handler
  Delivery how;
  how.vector = pending_.vector;
  how.has_code = pending_.has_code;
  how.code = pending_.code;
  how.return_rip = cpu.rip;
  const unsigned v = pending_.vector;
  how.fault = pending_.kind == EventKind::exception && v != 1 && v != 3 && v != 4;
  deliver(cpu, how);
  if (pending_.kind == EventKind::nmi) cpu.rest.nmi_blocked = true;
  if (pending_.kind == EventKind::external) ++counters_.interrupts;
  if (pending_.kind == EventKind::exception && v == 1) {
    cpu.dr[6] |= cpu.debug_status;
    cpu.dr[7] &= ~0x2000ull;  // GD
    cpu.debug_status = 0;
  }
  cpu.shadow = false;
  cpu.no_step_trap = false;
  cpu.activity = Activity::running;
  delivering_ = false;
  pending_ = {};
  at_start_ = false;
  const std::uint64_t tick = tick_now(cpu).value;
  delivered_ = uncounted_ ? 0 : tick == delivered_tick_ ? delivered_ + 1 : 1;
  delivered_tick_ = tick;
  uncounted_ = false;
}

// Asked at every boundary where nothing waits for delivery.
bool Interp::must_pause() {
  if (watch_.wants_pause()) return true;
  if (at_start_) return false;
  if (single_) return true;
  if (!watch_.has_breakpoints()) return false;
  const Cpu& cpu = *cpu_;
  const std::uint64_t linear = cpu.code64() ? cpu.rip : (cpu.segment[cs].base + cpu.rip) & 0xffff'ffff;
  if (!watch_.stops_at(linear)) return false;
  if (!watch_.collects()) return true;
  watch_.passed(linear, boundary_now(cpu));
  return false;
}

ExitKind Interp::loop() {
  Cpu& cpu = *cpu_;
  if (setjmp(cpu.fault_exit)) take_fault();
  for (;;) {
    if (cpu.activity == Activity::shutdown) return ExitKind::shutdown;
    if (pending_.kind != EventKind::none) {
      deliver_pending();
      continue;
    }
    if (cpu.debug_status & debug_task_switch) {
      pending_ = {EventKind::exception, 1, false, 0};
      uncounted_ = true;
      continue;
    }
    if (cpu.activity != Activity::running) {
      return single_ && !at_start_ ? ExitKind::watched : ExitKind::halted;
    }
    cpu.break_block = false;
    if (blocks_->flush_wanted()) {
      blocks_->flush();
      cpu.link_from = nullptr;
    }
    if (must_pause()) return ExitKind::watched;
    if (cpu.ticks_left + cpu.hidden_ticks <= 0) return ExitKind::bound;
    if (cpu.want_window && (cpu.other_flags & flag::if_) && !cpu.shadow) return ExitKind::interrupt_window;
    at_start_ = false;
    if (single_ || cpu.shadow || (cpu.other_flags & (flag::tf | flag::rf)) || (cpu.mode & mode_careful) ||
        (cpu.dr[7] & 0xff)) {
      step_one();
      continue;
    }
    cpu.no_step_trap = false;
    ++counters_.dispatches;
    Block* block = lookup();
    if (cpu.link_from) fill_link(block);
    if (block->count > cpu.ticks_left) {
      ++counters_.exact_stops;
      block = translate(block->gpa, cpu.segment[cs].base * !cpu.code64() + cpu.rip, static_cast<unsigned>(cpu.ticks_left), scratch_);
    }
    execute(block);
  }
}

void Interp::execute(Block* block) {
  Cpu& cpu = *cpu_;
  cpu.ticks_left -= block->count;
  cpu.block = block;
  cpu.rip_base = cpu.rip - static_cast<std::int64_t>(block->start_off);
  block->ops[0].fn(cpu, block->ops);
  while (cpu.resume_fn) {
    const Handler fn = cpu.resume_fn;
    cpu.resume_fn = nullptr;
    fn(cpu, cpu.resume);
  }
}

// One instruction with everything that is watched between two: shadow, TF, RF, breakpoints.
void Interp::step_one() {
  Cpu& cpu = *cpu_;
  const bool trap = cpu.other_flags & flag::tf;
  const std::uint64_t linear = cpu.code64() ? cpu.rip : (cpu.segment[cs].base + cpu.rip) & 0xffff'ffff;
  if (!(cpu.other_flags & flag::rf) && (cpu.dr[7] & 0xff) && !cpu.no_step_trap) {
    std::uint64_t hit = 0;
    for (unsigned i = 0; i < 4; ++i)
      if ((cpu.dr[7] >> (2 * i) & 3) && !(cpu.dr[7] >> (16 + 4 * i) & 3) && cpu.dr[i] == linear) hit |= 1ull << i;
    if (hit) {
      cpu.debug_status |= hit;
      pending_ = {EventKind::exception, 1, false, 0};
      return;
    }
  }
  cpu.no_step_trap = false;
  cpu.link_from = nullptr;
  const Gpa gpa = paging_->translate_fetch(linear);
  Block* one = translate(gpa, linear, 1, scratch_);
  const std::int64_t total = cpu.ticks_left;
  cpu.hidden_ticks = total - 1;
  cpu.ticks_left = 1;
  cpu.shadow = false;
  cpu.keep_rf = false;  // an IRET outside of steps has left it
  execute(one);
  finish_step();
  if (!cpu.keep_rf) cpu.other_flags &= ~flag::rf;
  if (trap && !cpu.no_step_trap) cpu.debug_status |= 0x4000;
  if (cpu.debug_status && !cpu.no_step_trap) {
    pending_ = {EventKind::exception, 1, false, 0};
    uncounted_ = true;
  }
}

void Interp::finish_step() {
  Cpu& cpu = *cpu_;
  cpu.ticks_left += cpu.hidden_ticks;
  cpu.hidden_ticks = 0;
  cpu.link_from = nullptr;
}

// The way by which the last block was left leads to `block` from now on. Inside one linear page that needs no check.
void Interp::fill_link(Block* block) {
  Cpu& cpu = *cpu_;
  Link& link = *cpu.link_from;
  cpu.link_from = nullptr;
  const std::uint64_t linear = cpu.code64() ? cpu.rip : (cpu.segment[cs].base + cpu.rip) & 0xffff'ffff;
  if (watch_.may_stop_at(linear)) return;  // must come back to the dispatcher
  const bool same_page = ((linear ^ cpu.left_linear) & ~page_mask) == 0 && block->gpa_second == no_second;
  link = {block, cpu.fetch_epoch, same_page ? 0 : ~0u};
}

Block* Interp::lookup() {
  Cpu& cpu = *cpu_;
  std::uint64_t linear = cpu.rip;
  if (!cpu.code64()) linear = (cpu.segment[cs].base + cpu.rip) & 0xffff'ffff;
  JumpEntry& entry = cpu.jump_cache[jump_slot(linear)];
  const bool limited = cpu.mode & mode_limited;
  const auto inside = [&](const Block* block) { return !limited || cpu.rip + block->bytes - 1 <= cpu.segment[cs].limit; };
  if (limited) cpu.link_from = nullptr;
  if (entry.linear == linear && entry.epoch == cpu.fetch_epoch && !entry.block->stale && inside(entry.block)) return entry.block;
  if (cpu.code64() && static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16) != linear) raise(cpu, Vector::gp, 0);
  const Gpa gpa = paging_->translate_fetch(linear);
  Block* block = blocks_->find(gpa, cpu.mode);
  if (block && block->gpa_second != no_second)
    block = blocks_->find_crossing(gpa, cpu.mode, paging_->translate_fetch((linear & ~page_mask) + page_bytes));
  if (block && !inside(block)) block = nullptr;  // decoded anew, within the limit
  if (!block) block = translate(gpa, linear, block_ops_max, nullptr);
  if (block != scratch_ && !watch_.may_stop_at(linear)) {
    entry = {linear, block, cpu.fetch_epoch};
  } else {
    cpu.link_from = nullptr;
  }
  return block;
}

Block* Interp::translate(std::uint64_t gpa, std::uint64_t linear, unsigned max_ops, Block* into) {
  Cpu& cpu = *cpu_;
  const bool code64 = cpu.code64();
  const std::uint64_t limit = code64 ? ~0ull : cpu.segment[cs].limit;
  if (cpu.rip > limit) raise(cpu, Vector::gp, 0);
  const MemoryPage page = memory_.page(gpa);
  static constexpr std::uint8_t no_memory[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  if (!page.host || ((cpu.mode & mode_limited) && cpu.rip + page_bytes > limit)) into = scratch_;
  Block* block = into;
  if (!block) {
    block = blocks_->reserve(block_ops_max + 2);
    if (!block) {
      blocks_->flush();
      cpu.link_from = nullptr;
      block = blocks_->reserve(block_ops_max + 2);
    }
  }
  if (into) max_ops = std::min(max_ops, block_ops_max);
  if (watch_.splits_blocks()) max_ops = 1;
  *block = Block{};
  block->gpa = gpa;
  block->gpa_second = no_second;
  block->mode = cpu.mode;
  block->start_off = static_cast<std::int16_t>(gpa & page_mask);
  unsigned count = 0, at = static_cast<unsigned>(gpa & page_mask);
  const unsigned start = at;
  bool ended = false, linked = false;
  while (count < max_ops && !ended) {
    std::size_t room = page_bytes - at;
    if (count > 0 && watch_.may_stop_at(at)) break;
    if (cpu.rip + (at - start) > limit) break;
    const std::uint64_t to_limit = limit - (cpu.rip + (at - start));
    std::span<const std::uint8_t> bytes = page.host ? std::span(page.host + at, room) : std::span(no_memory, sizeof no_memory);
    bool limited = false;
    if (!code64 && to_limit < 14 && to_limit + 1 < bytes.size()) {
      bytes = bytes.first(to_limit + 1);
      limited = true;
    }
    Op& op = block->ops[count];
    DecodeResult result = decode(bytes, cpu.mode, static_cast<std::int16_t>(at), op);
    if (result.wide_rip) {
      if (count > 0) break;
      const auto length = static_cast<std::int16_t>(op.len);
      block->start_off = static_cast<std::int16_t>(-length);
      result = decode(bytes, cpu.mode, static_cast<std::int16_t>(-length), op);
      max_ops = 1;
    }
    if (result.status == DecodeStatus::need_more) {
      if (count > 0) break;
      if (limited) raise(cpu, Vector::gp, 0);
      std::uint8_t both[30];
      const std::uint64_t next = code64 ? linear + room : (linear + room) & 0xffff'ffff;
      const Gpa second = paging_->translate_fetch(next);
      const MemoryPage second_page = memory_.page(second);
      std::memcpy(both, page.host + at, room);
      unsigned have = 15;
      if (!code64 && to_limit < 14) have = static_cast<unsigned>(to_limit + 1);
      std::memcpy(both + room, second_page.host ? second_page.host : no_memory, 15);
      result = decode(std::span(both, have), cpu.mode, static_cast<std::int16_t>(at), op);
      if (result.wide_rip) {
        const auto length = static_cast<std::int16_t>(op.len);
        block->start_off = static_cast<std::int16_t>(-length);
        result = decode(std::span(both, have), cpu.mode, static_cast<std::int16_t>(-length), op);
      }
      if (result.status == DecodeStatus::need_more) raise(cpu, Vector::gp, 0);
      block->gpa_second = second;
      max_ops = 1;
    }
    if (result.status != DecodeStatus::ok) {
      if (count > 0) break;  // it becomes a block of its own when it is reached
      if (block->gpa_second != no_second && block != scratch_) return translate(gpa, linear, 1, scratch_);
      const bool ud = result.status == DecodeStatus::undefined;
      const std::int16_t off = static_cast<std::int16_t>(at);
      op = Op{};
      op.off = off;
      op.len = 1;
      op.fn = ud ? undefined_opcode : over_long;
      ended = true;
    } else {
      ended = result.row->attrs & attr::ends;
      linked = result.row->attrs & attr::links;
    }
    at += op.len;
    ++count;
  }
  block->count = static_cast<std::uint16_t>(count);
  block->bytes = static_cast<std::uint16_t>(at - start);
  unsigned slots = count;
  if (!ended) {
    Op& op = block->ops[slots++];
    op = Op{};
    op.fn = fall_through;
    op.off = static_cast<std::int16_t>(block->start_off + block->bytes);
    linked = true;
  }
  if (linked) {
    auto* links = reinterpret_cast<Links*>(&block->ops[slots++]);
    *links = Links{};
  }
  if (block != scratch_) {
    blocks_->keep(block, slots);
    ++counters_.blocks_decoded;
  } else if (count > 1 && page.host) {
    blocks_->watch(gpa, block->bytes);  // it may overwrite itself, too
  }
  return block;
}

// ---- for engines that hand instructions over ----

const Row* Interp::next_row() {
  Cpu& cpu = *cpu_;
  cpu.block = nullptr;
  if (setjmp(cpu.fault_exit)) {
    cpu.cr2 = cpu.rest.cr2;  // a fetch that faults has set it; whoever executes does so again
    return nullptr;
  }
  const bool code64 = cpu.code64();
  const std::uint64_t linear = code64 ? cpu.rip : (cpu.segment[cs].base + cpu.rip) & 0xffff'ffff;
  if (!code64 && cpu.rip > cpu.segment[cs].limit) return nullptr;
  std::array<std::uint8_t, 15> bytes;
  for (std::size_t have = 0; have < bytes.size();) {
    const std::uint64_t at = linear + have;
    const Gpa gpa = paging_->translate_fetch(at);
    const MemoryPage page = memory_.page(gpa);
    const std::size_t room = std::min<std::size_t>(bytes.size() - have, page_bytes - (at & page_mask));
    if (page.host == nullptr) return nullptr;
    std::memcpy(bytes.data() + have, page.host + (gpa & page_mask), room);
    have += room;
    // The next page is touched only if the instruction reaches it.
    Op op{};
    const DecodeResult result = decode(std::span(bytes).first(have), cpu.mode, 0, op);
    if (result.status != DecodeStatus::need_more) return result.status == DecodeStatus::ok ? result.row : nullptr;
  }
  return nullptr;
}

std::optional<Gpa> Interp::next_gpa() {
  Cpu& cpu = *cpu_;
  cpu.block = nullptr;
  if (setjmp(cpu.fault_exit)) {
    cpu.cr2 = cpu.rest.cr2;
    return std::nullopt;
  }
  return paging_->translate_fetch(cpu.code64() ? cpu.rip : (cpu.segment[cs].base + cpu.rip) & 0xffff'ffff);
}

void Interp::queue_exception(std::uint8_t vector, std::optional<std::uint32_t> code) {
  pending_ = {EventKind::exception, vector, code.has_value(), code.value_or(0)};
}

bool Interp::inside_string() const { return cpu_->unfinished_tick == tick_now(*cpu_).value; }

// ---- state ----

void Interp::set_state(const CpuState& s) {
  Cpu& cpu = *cpu_;
  cpu.rest = s;
  std::memcpy(cpu.gpr, s.gpr.data(), sizeof cpu.gpr);
  cpu.rip = s.rip;
  set_status_flags(cpu, s.rflags);
  cpu.other_flags = (s.rflags & ~flag::status) | 2;
  for (unsigned i = 0; i < segment_count; ++i) cpu.segment[i] = s.segment[i];
  cpu.gdtr = s.gdtr;
  cpu.idtr = s.idtr;
  cpu.cr0 = s.cr0;
  cpu.cr2 = s.cr2;
  cpu.cr3 = s.cr3;
  cpu.cr4 = s.cr4;
  for (unsigned i = 0; i < 8; ++i) cpu.dr[i] = s.dr[i];
  cpu.efer = s.efer;
  std::memcpy(cpu.xmm, s.xmm.data(), sizeof cpu.xmm);
  const unsigned top = s.fpu_status >> 11 & 7;
  for (unsigned i = 0; i < 8; ++i) {
    St& st = cpu.st[(top + i) & 7];
    st = St{};
    std::memcpy(&st, s.st[i].data(), 10);
  }
  cpu.fpu_control = s.fpu_control;
  cpu.fpu_status = s.fpu_status;
  cpu.fpu_tag = s.fpu_tag;
  cpu.mxcsr = s.mxcsr;
  cpu.activity = s.activity;
  cpu.shadow = s.interrupt_shadow;
  cpu.cpl = !(s.cr0 & cr0::pe) ? 0 : (s.rflags & flag::vm) ? 3 : s.segment[ss].attributes >> 5 & 3;
  cpu.block = nullptr;
  cpu.link_from = nullptr;
  cpu.unfinished_tick = ~0ull;
  cpu.debug_status = s.pending_debug;
  cpu.no_step_trap = s.debug_blocked;
  pending_ = {};
  delivering_ = false;
  delivered_ = 0;
  uncounted_ = false;
  paging_->flush();
  mode_changed(cpu);
}

CpuState Interp::state() const {
  const Cpu& cpu = *cpu_;
  CpuState s = cpu.rest;
  std::memcpy(s.gpr.data(), cpu.gpr, sizeof cpu.gpr);
  s.rip = cpu.rip;
  s.rflags = rflags(cpu);
  for (unsigned i = 0; i < segment_count; ++i) s.segment[i] = cpu.segment[i];
  s.gdtr = cpu.gdtr;
  s.idtr = cpu.idtr;
  s.cr0 = cpu.cr0;
  s.cr2 = cpu.cr2;
  s.cr3 = cpu.cr3;
  s.cr4 = cpu.cr4;
  for (unsigned i = 0; i < 8; ++i) s.dr[i] = cpu.dr[i];
  s.efer = cpu.efer;
  std::memcpy(s.xmm.data(), cpu.xmm, sizeof cpu.xmm);
  const unsigned top = cpu.fpu_status >> 11 & 7;
  for (unsigned i = 0; i < 8; ++i) {
    s.st[i] = {};
    std::memcpy(s.st[i].data(), &cpu.st[(top + i) & 7], 10);
  }
  s.fpu_control = cpu.fpu_control;
  s.fpu_status = cpu.fpu_status;
  s.fpu_tag = cpu.fpu_tag;
  s.mxcsr = cpu.mxcsr;
  s.activity = cpu.activity;
  s.interrupt_shadow = cpu.shadow;
  s.debug_blocked = cpu.no_step_trap;
  s.pending_debug = cpu.debug_status;
  return s;
}

}  // namespace lockstitch::interp
