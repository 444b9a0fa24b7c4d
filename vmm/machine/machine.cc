// See machine.h. The rule behind every bound below: whatever may need attention at a boundary forces a boundary there,
// so that how often the loop looks (the quantum, the source's horizon, stop_at) can never be seen by the guest.
#include "vmm/machine/machine.h"

#include <algorithm>

#include "lockstitch/assert.h"
#include "vmm/machine/state_hasher.h"

namespace lockstitch {
namespace {

/// The sink is known during one pass only.
class SinkScope {
 public:
  SinkScope(Connections& connections, Sink& sink) : connections_(connections) { connections_.set_sink(&sink); }
  ~SinkScope() { connections_.set_sink(nullptr); }
  SinkScope(const SinkScope&) = delete;
  SinkScope& operator=(const SinkScope&) = delete;

 private:
  Connections& connections_;
};

}  // namespace

Machine::Machine(const MachineConfig& config, std::unique_ptr<Engine> engine, std::unique_ptr<Memory> memory)
    : config_(config),
      memory_(std::move(memory)),
      memory_digest_(*memory_, config.digest_ignored_bits),
      clock_(config.ns_per_tick),
      bus_(*memory_),
      connections_(clock_),
      vcpu_(std::move(engine)) {
  LS_ASSERT_CMP(config_.quantum_ticks, >=, 1u);
  memory_->observe(vcpu_.engine());
}

End Machine::run(Source& source, Sink& sink, Tick stop_at) {
  for (;;) {
    if (const std::optional<End> end = step(source, sink, stop_at)) return *end;
  }
}

std::optional<End> Machine::step(Source& source, Sink& sink, Tick stop_at) {
  if (paused_) return go_on(sink, stop_at);
  const Tick now = clock_.tick();
  assert_tick = now.value;
  if (now >= stop_at) return End{EndReason::stop_tick, now.value};
  const Tick horizon = source.horizon();
  if (horizon <= now) {
    // Inputs of this very tick may still be on their way: wait before the visit, for there is no second one.
    source.idle(clock_.moment(), clock_.moment());
    return std::nullopt;
  }
  const SinkScope scope(connections_, sink);
  ++counters_.passes;
  visited_ = now;

  if (const auto end = take_arrivals(source)) return end;
  counters_.alarms += alarms_.fire_due(clock_.now());
  if (const auto end = settle()) return end;
  if (vcpu_.activity() == Activity::shutdown) return End{EndReason::shutdown, 0};

  const Tick known = source.next_known();
  LS_ASSERT_CMP(known.value, >, now.value);
  const Tick limit = std::min({known, horizon, stop_at});
  if (!can_run()) return idle(source, limit);
  send_due_digest(sink);
  return execute(limit);
}

std::optional<End> Machine::take_arrivals(Source& source) {
  while (const std::optional<Arrival> arrival = source.take(clock_.moment())) {
    LS_ASSERT_CMP(arrival->tick.value, ==, clock_.tick().value);
    ++counters_.arrivals;
    if (arrival->port == control_port) {
      if (const auto end = take_control(arrival->control)) return end;
    } else if (!connections_.deliver(*arrival)) {
      ++counters_.arrivals_dropped;
    }
  }
  return std::nullopt;
}

std::optional<End> Machine::take_control(const Control& control) {
  switch (control.kind) {
    case ControlKind::advance_clock:
      if (!clock_.advance_offset(control.argument)) ++counters_.arrivals_dropped;
      return std::nullopt;
    case ControlKind::power_button:
      if (power_button_) {
        power_button_();
      } else {
        ++counters_.arrivals_dropped;
      }
      return std::nullopt;
    case ControlKind::reset:
      power_.reset();
      return std::nullopt;
    case ControlKind::stop:
      return End{EndReason::stopped, control.argument};
  }
  ++counters_.arrivals_dropped;  // a kind that this version does not know
  return std::nullopt;
}

// Carries out what was asked of the machine or the CPU as a whole. The CPU stands on a boundary.
std::optional<End> Machine::settle() {
  switch (power_.take()) {
    case PowerRequest::none:
      break;
    case PowerRequest::power_off:
      return End{EndReason::power_off, 0};
    case PowerRequest::debug_exit:
      return End{EndReason::debug_exit, power_.exit_code()};
    case PowerRequest::reset:
      if (!reset_hook_) return End{EndReason::reset, 0};
      reset();
      break;
  }
  if (signals_.take_init()) vcpu_.init();
  if (const auto vector = signals_.take_startup()) vcpu_.startup(*vector);
  return std::nullopt;
}

void Machine::reset() {
  ++counters_.resets;
  for (Device* device : devices_) device->reset();
  signals_.clear();
  CpuState cpu = cpu_at_reset();
  cpu.tsc_offset = 0 - clock_.now().value;
  vcpu_.set_state(cpu);
  reset_hook_();
}

bool Machine::can_run() const {
  switch (vcpu_.activity()) {
    case Activity::running:
      return true;
    case Activity::halted:
      return (signals_.nmi_waits() && vcpu_.accepts_nmi()) || (interrupt_pending() && vcpu_.accepts_interrupt());
    case Activity::wait_for_startup:
    case Activity::shutdown:
      return false;
  }
  return false;
}

std::optional<End> Machine::idle(Source& source, Tick limit) {
  const Moment now = clock_.moment();
  const Tick until = std::min(limit, alarm_bound(now.tick));
  const Tick tick = source.idle(now, clock_.moment_at(until));
  LS_ASSERT_CMP(tick.value, >=, now.tick.value);
  LS_ASSERT_CMP(tick.value, <=, until.value);
  if (tick == tick_never) return End{EndReason::dead, 0};
  ++counters_.idle_jumps;
  // Law 2: something arrived at once, but this tick has been visited.
  clock_.advance_to(std::max(tick, now.tick + 1));
  return std::nullopt;
}

// A tick can have several boundaries, because an instruction that faults retires nothing. Only the first is visited:
// there a bound stops the engine. An open window before the bound is served here, without a visit, so that the order of
// arrivals, alarms and deliveries within one tick is always the same.
std::optional<End> Machine::execute(Tick limit) {
  limit = std::min(limit, clock_.tick() + config_.quantum_ticks);
  if (config_.digest_every_ticks != 0) limit = std::min(limit, next_digest());
  limit_ = limit;
  return run_until_bound(next_run(limit));
}

std::optional<End> Machine::run_until_bound(RunRequest request) {
  for (;;) {
    const Exit exit = run_cpu(request);
    clock_.advance_to(exit.tick);
    executed_until_ = exit.tick;
    if (exit.kind == ExitKind::shutdown) return End{EndReason::shutdown, 0};
    if (exit.kind == ExitKind::spinning) return End{EndReason::spinning, 0};
    if (const auto end = settle()) return end;
    if (exit.kind == ExitKind::watched) {
      // A boundary that is the first of its tick is one where the pass may end as well. What was decided for this pass
      // holds at all others: the tick is not visited twice.
      paused_ = exit.tick == visited_ || vcpu_.delivered() != 0;
      return End{EndReason::watched, 0};
    }
    if (exit.kind == ExitKind::interrupt_window && exit.tick < bound_) {
      request = next_run(limit_);
      continue;
    }
    LS_ASSERT_CMP(exit.tick.value, >, request.start.value);
    if (exit.kind == ExitKind::bound) LS_ASSERT_CMP(exit.tick.value, >=, bound_.value);
    return std::nullopt;
  }
}

// The rest of a pass in which a debugger held the CPU: the same run.
std::optional<End> Machine::go_on(Sink& sink, Tick stop_at) {
  const SinkScope scope(connections_, sink);
  paused_ = false;
  // Whoever holds the machine may have emptied the CPU's way to the bound.
  bound_ = std::max(std::min(bound_, stop_at), clock_.tick() + 1);
  RunRequest request;
  request.start = clock_.tick();
  request.clock = clock_.line();
  request.bound = bound_;
  request.want_window = window_wanted_;
  request.single = single_;
  return run_until_bound(request);
}

std::optional<End> Machine::step_once(Source& source, Sink& sink, Tick stop_at) {
  single_ = true;
  const auto end = step(source, sink, stop_at);
  single_ = false;
  return end;
}

std::optional<WatchHit> Machine::take_hit() {
  std::optional<WatchHit> hit = vcpu_.take_hit();
  // A device that writes by itself does so in the visit.
  if (hit && hit->kind == WatchKind::device_write && hit->begin.tick < visited_) hit->begin = {visited_, 0};
  return hit;
}

// Delivers what waits and the CPU accepts, and decides how far it may run.
RunRequest Machine::next_run(Tick limit) {
  const Tick now = clock_.tick();
  RunRequest request;
  request.start = now;
  request.clock = clock_.line();
  const bool halted = vcpu_.activity() == Activity::halted;
  bool delivers = true;
  if (signals_.nmi_waits() && vcpu_.accepts_nmi()) {
    signals_.nmi_taken();
    request.nmi = true;
    ++counters_.nmis;
  } else if (interrupt_pending() && vcpu_.accepts_interrupt()) {
    request.interrupt = interrupts_->acknowledge();
    ++counters_.interrupts;
  } else {
    delivers = false;
  }
  if (halted && delivers) vcpu_.wake();

  bound_ = std::min(limit, alarm_bound(now));
  // Engines tell when an interrupt can be accepted, but not an NMI, and not at once after a delivery: then look at
  // every tick. This also makes sure that a delivery retires something.
  const bool waits = interrupt_pending();
  if (signals_.nmi_waits() || (waits && delivers)) bound_ = now + 1;
  request.want_window = waits && !delivers;
  request.single = single_;
  request.bound = bound_;
  window_wanted_ = request.want_window;
  bound_alarm_ = alarms_.next();
  return request;
}

Exit Machine::run_cpu(const RunRequest& request) {
  Exit exit = vcpu_.resume(request);
  while (vcpu_.mid_instruction()) exit = vcpu_.reply(dispatch(exit));
  ++counters_.exits[static_cast<unsigned>(exit.kind)];
  return exit;
}

ExitReply Machine::dispatch(const Exit& exit) {
  ++counters_.exits[static_cast<unsigned>(exit.kind)];
  clock_.advance_to(exit.tick);
  assert_tick = exit.tick.value;
  ExitReply reply;
  switch (exit.kind) {
    case ExitKind::port_read:
      reply.value = bus_.read_port(static_cast<std::uint16_t>(exit.address), exit.width);
      break;
    case ExitKind::port_write:
      bus_.write_port(static_cast<std::uint16_t>(exit.address), exit.width, exit.value);
      break;
    case ExitKind::memory_read:
      reply.value = bus_.read_memory(exit.address, exit.width);
      break;
    case ExitKind::memory_write:
      bus_.write_memory(exit.address, exit.width, exit.value);
      break;
    case ExitKind::msr_read:
      reply.fault =
          interrupts_ == nullptr || !interrupts_->read_msr(static_cast<std::uint32_t>(exit.address), reply.value);
      break;
    case ExitKind::msr_write:
      reply.fault =
          interrupts_ == nullptr || !interrupts_->write_msr(static_cast<std::uint32_t>(exit.address), exit.value);
      break;
    case ExitKind::priority_read:
      reply.value = interrupts_ == nullptr ? 0 : interrupts_->task_priority();
      break;
    case ExitKind::priority_write:
      if (interrupts_ != nullptr) interrupts_->set_task_priority(static_cast<std::uint8_t>(exit.value & 15));
      break;
    case ExitKind::bound:
    case ExitKind::interrupt_window:
    case ExitKind::halted:
    case ExitKind::shutdown:
    case ExitKind::watched:
    case ExitKind::spinning:
      LS_ASSERT(!"an end of a run came through the door");
  }
  shorten_bound(exit.tick);
  reply.bound = bound_;
  return reply;
}

// After a device was accessed at `now`: the run may have to end earlier than planned.
void Machine::shorten_bound(Tick now) {
  if (alarms_.next() != bound_alarm_) {
    bound_alarm_ = alarms_.next();
    bound_ = std::min(bound_, alarm_bound(now));
  }
  const bool attention =
      power_.pending() || signals_.reset_waits() || signals_.nmi_waits() || interrupt_pending() != window_wanted_;
  if (attention) bound_ = std::min(bound_, now + 1);
}

// The tick of the next alarm. One that is due already rings at the next tick, wherever the pass ends.
Tick Machine::alarm_bound(Tick now) const { return std::max(clock_.first_tick_at(alarms_.next()), now + 1); }

Tick Machine::next_digest() const {
  const std::uint64_t interval = config_.digest_every_ticks;
  return {(clock_.tick().value / interval + 1) * interval};
}

// A digest is due at every multiple of the interval. Ticks that were jumped over cannot be told apart, so theirs is
// sent when the CPU goes on: once, at a tick that depends on the guest alone and not on how the waiting was cut up.
void Machine::send_due_digest(Sink& sink) {
  if (config_.digest_every_ticks == 0) return;
  const Tick now = clock_.tick();
  const std::uint64_t multiple = now.value - now.value % config_.digest_every_ticks;
  if (multiple < executed_until_.value) return;
  ++counters_.digests;
  sink.digest(now, digest());
}

Digest Machine::digest() {
  LS_ASSERT(!paused_);
  StateHasher hasher;
  visit(hasher);
  Digest memory = memory_digest_.update();
  hasher.field("memory_high", memory.high);
  hasher.field("memory_low", memory.low);
  return hasher.digest();
}

void Machine::drop_caches() {
  LS_ASSERT(!vcpu_.mid_instruction());
  vcpu_.drop_caches();
  bus_.drop_caches();
}

void Machine::visit(StateVisitor& visitor) {
  const auto part = [&visitor](std::string_view name, Stateful& component) {
    Section section(visitor, name);
    component.visit(visitor);
  };
  part("clock", clock_);
  visitor.field("executed_until", executed_until_);
  part("alarms", alarms_);
  part("cpu", vcpu_);
  part("signals", signals_);
  part("irqs", irqs_);
  part("bus", bus_);
  for (Device* device : devices_) part(device->name(), *device);
  part("effects", connections_);
}

void Machine::loaded() {
  paused_ = false;
  clock_.loaded();
  alarms_.loaded();
  vcpu_.loaded();
  irqs_.loaded();
  for (Device* device : devices_) device->loaded();
  bus_.loaded();
}

}  // namespace lockstitch
