// The machine: memory, bus, clock, alarms, interrupts, one CPU and the loop that moves them (ARCHITECTURE 3). A pure
// function from its initial state and its arrivals to effects and state: nothing here can tell live from replay.
// Not here: which devices there are and where they lie (vmm/app).
//
// Between two passes the machine stands at a tick that it has not visited: arrivals and alarms of that tick are still
// ahead. That is where states are saved and stop_at stops.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/limits.h"
#include "lockstitch/source.h"
#include "vmm/machine/alarms.h"
#include "vmm/machine/bus.h"
#include "vmm/machine/connections.h"
#include "vmm/machine/irq_router.h"
#include "vmm/machine/memory.h"
#include "vmm/machine/memory_digest.h"
#include "vmm/machine/power_requests.h"
#include "vmm/machine/signal_latches.h"
#include "vmm/machine/vcpu.h"
#include "vmm/machine/virtual_clock.h"

namespace lockstitch {

struct MachineConfig {
  /// Unit: ticks. How often arrivals are looked for; nothing the guest can see depends on it. Range: at least 1.
  std::uint64_t quantum_ticks = limits::quantum_ticks;
  /// Unit: ticks. 0: the machine sends no digests by itself.
  std::uint64_t digest_every_ticks = 0;
  std::uint64_t ns_per_tick = 1;
  /// Of each aligned word of 64 bits of memory, what digests leave out: see MemoryDigest.
  std::uint64_t digest_ignored_bits = 0;
};

enum class EndReason : std::uint8_t {
  power_off,
  debug_exit,  ///< argument: the guest's byte
  reset,       ///< the guest or the user asked for a reset and there is no reset hook
  shutdown,    ///< triple fault
  stopped,     ///< Control::stop; argument: the control's
  stop_tick,   ///< stop_at is reached
  dead,        ///< halted, and the source says that nothing will ever come
  watched,     ///< what a debugger asked for; the machine can be stepped on
  spinning,    ///< the guest computes without an exit, and its engine counts those: it could not be stopped otherwise
};

struct End {
  EndReason reason = EndReason::stopped;
  std::uint64_t argument = 0;
};

/// What happened since the start; for people, not state.
struct MachineCounters {
  std::array<std::uint64_t, unsigned(ExitKind::priority_write) + 1> exits{};  ///< by ExitKind
  std::uint64_t passes = 0;
  std::uint64_t idle_jumps = 0;
  std::uint64_t arrivals = 0;
  std::uint64_t arrivals_dropped = 0;  ///< for ports without a taker, or over the limit
  std::uint64_t alarms = 0;
  std::uint64_t interrupts = 0;
  std::uint64_t nmis = 0;
  std::uint64_t resets = 0;
  std::uint64_t digests = 0;
};

class Machine final : public Stateful {
 public:
  Machine(const MachineConfig& config, std::unique_ptr<Engine> engine, std::unique_ptr<Memory> memory);

  // The ports that devices are built with.
  Memory& memory() { return *memory_; }
  Bus& bus() { return bus_; }
  VirtualClock& clock() { return clock_; }
  Alarms& alarms() { return alarms_; }
  IrqRouter& irqs() { return irqs_; }
  PowerPort& power() { return power_; }
  CpuSignals& cpu_signals() { return signals_; }

  /// The next port to the world; use it for effects, arrivals or both. Numbers start at 1 in call order.
  PortId make_port(std::string name) { return connections_.make(std::move(name)); }
  EffectPort& effects(PortId port) { return connections_.effects(port); }
  void set_arrival_handler(PortId port, ArrivalHandler& handler) { connections_.set_handler(port, handler); }
  /// Names and numbers of the ports.
  const Connections& connections() const { return connections_; }

  // Wiring; before the first step. Nothing is owned.
  /// Order: devices are visited, reset and told loaded() in the order of these calls.
  void add_device(Device& device) { devices_.push_back(&device); }
  void set_interrupt_port(CpuInterruptPort& port) { interrupts_ = &port; }
  /// Called for Control::power_button.
  void set_power_button(std::function<void()> pressed) { power_button_ = std::move(pressed); }
  /// Called when the machine resets itself, after the devices; reloads what the board loaded at first and may call
  /// set_cpu(), which otherwise is as at power-on. Without a hook a reset ends the machine.
  void set_reset_hook(std::function<void()> hook) { reset_hook_ = std::move(hook); }

  /// Order: between passes, or in the reset hook.
  void set_cpu(const CpuState& state) { vcpu_.set_state(state); }
  CpuState cpu() const { return vcpu_.state(); }
  EngineTraits engine_traits() const { return vcpu_.traits(); }
  std::vector<EngineCounter> engine_counters() const { return vcpu_.counters(); }

  /// One pass of the loop: at most one run of the CPU. Effects and digests go to `sink` during the call.
  /// Stops exactly at stop_at. After an End other than stop_tick and stopped the machine must not be stepped again.
  std::optional<End> step(Source& source, Sink& sink, Tick stop_at = tick_never);
  End run(Source& source, Sink& sink, Tick stop_at = tick_never);

  // For debuggers: whatever is asked here changes nothing that the guest can see.
  bool can_watch() const { return vcpu_.can_watch(); }
  /// step() then ends as `watched` in front of each breakpoint and behind whatever touches a range.
  void set_watched(const WatchSet& set) { vcpu_.set_watched(set); }
  /// What was touched since the last call. Order: between passes; also after steps that did not end as `watched`.
  std::optional<WatchHit> take_hit();
  /// As step(), but ends as `watched` behind one instruction or one delivery. A CPU that waits goes on waiting.
  std::optional<End> step_once(Source& source, Sink& sink, Tick stop_at = tick_never);
  /// Where the CPU stands. Inside a tick only while a debugger holds it there.
  Boundary boundary() const { return {clock_.tick(), paused_ ? vcpu_.delivered() : 0}; }
  /// Inside a pass: neither states nor digests can be taken.
  bool paused() const { return paused_; }
  /// Where the CPU last executed: earlier than tick() if it waits.
  Tick executed_until() const { return executed_until_; }

  Tick tick() const { return clock_.tick(); }
  Moment now() const { return clock_.moment(); }

  /// Of everything: memory, CPU, devices, clock, effects so far. Order: between passes.
  Digest digest();
  /// Of the RAM alone: for finding where two machines differ. As of the last digest().
  const MemoryDigest& memory_digest() const { return memory_digest_; }
  /// Drops every cache; changes nothing that the guest can see. Order: between passes.
  void drop_caches();

  const MachineCounters& counters() const { return counters_; }
  std::uint64_t unclaimed_accesses() const { return bus_.unclaimed(); }
  std::uint64_t effects_emitted() const { return connections_.effects_emitted(); }

  /// Everything but the contents of RAM, which checkpoints take from memory(). Order: between passes.
  void visit(StateVisitor& visitor) override;
  void loaded() override;

 private:
  std::optional<End> take_arrivals(Source& source);
  std::optional<End> take_control(const Control& control);
  std::optional<End> settle();
  void reset();
  bool can_run() const;
  std::optional<End> idle(Source& source, Tick limit);
  std::optional<End> execute(Tick limit);
  std::optional<End> run_until_bound(RunRequest request);
  std::optional<End> go_on(Sink& sink, Tick stop_at);
  RunRequest next_run(Tick limit);
  Exit run_cpu(const RunRequest& request);
  ExitReply dispatch(const Exit& exit);
  void shorten_bound(Tick now);
  Tick alarm_bound(Tick now) const;
  bool interrupt_pending() const { return interrupts_ != nullptr && interrupts_->interrupt_pending(); }
  Tick next_digest() const;
  void send_due_digest(Sink& sink);

  const MachineConfig config_;
  std::unique_ptr<Memory> memory_;
  MemoryDigest memory_digest_;
  VirtualClock clock_;
  Bus bus_;
  Alarms alarms_;
  IrqRouter irqs_;
  Connections connections_;
  PowerRequests power_;
  SignalLatches signals_;
  Vcpu vcpu_;
  std::vector<Device*> devices_;
  CpuInterruptPort* interrupts_ = nullptr;
  std::function<void()> power_button_;
  std::function<void()> reset_hook_;

  /// Where the CPU last executed. Unlike the tick of the last pass it does not depend on how waiting was cut into
  /// passes.
  Tick executed_until_;

  // Of the current run of the CPU.
  Tick bound_;
  VirtualNs bound_alarm_ = ns_never;  ///< the next alarm that bound_ takes account of
  bool window_wanted_ = false;
  Tick limit_;

  // For debuggers.
  bool single_ = false;
  bool paused_ = false;  ///< the pass that visited visited_ is not over
  Tick visited_;

  MachineCounters counters_;
};

}  // namespace lockstitch
