// The CPU engine: a budget in, a reason out. It never calls a bus or a device; what an instruction needs from outside
// leaves through the ExitDoor in mid-instruction and comes back as the reply. Caches are never architectural: dropping
// them at any stop changes nothing.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/tick.h"

namespace lockstitch {

/// What a tick is to an engine.
enum class TickUnit : std::uint8_t {
  instruction,  ///< a retired instruction, or a chunk of a REP string instruction
  /// An access that leaves through the door (but CR8), or a HLT. A run ends at the first boundary at or behind its
  /// bound, for an instruction may make several accesses; a REP instruction has no boundaries inside.
  exit,
  host_ns,  ///< a nanosecond of the host's while the CPU runs
};

/// What a mode of operation may rely on.
struct EngineTraits {
  std::string_view name;
  TickUnit ticks = TickUnit::instruction;
  bool counts_exactly = false;
  bool stops_exactly = false;
  bool traps_tsc = false;
  bool traps_random = false;
  bool no_visible_tlb = false;
};

enum class ExitKind : std::uint8_t {
  // Ends of run(): the CPU stands on an instruction boundary.
  bound,             ///< the requested tick is reached
  interrupt_window,  ///< asked for, and an interrupt can be accepted now
  halted,            ///< HLT retired; CpuState::activity says so
  shutdown,          ///< triple fault
  watched,           ///< a breakpoint, a watched access or the end of a single step: only if a debugger asked
  spinning,          ///< no boundary of a tick has come for long, and whoever waits gave up; the state is no boundary's
  // Through the door, in mid-instruction: the loop replies and the instruction goes on.
  port_read,
  port_write,
  memory_read,
  memory_write,
  msr_read,  ///< MSRs that belong to the local APIC
  msr_write,
  priority_read,  ///< CR8
  priority_write,
};

struct Exit {
  ExitKind kind = ExitKind::bound;
  std::uint8_t width = 0;     ///< Unit: bytes; 1, 2, 4 or 8 for ports (1, 2, 4) and memory
  std::uint64_t address = 0;  ///< port, guest-physical address or MSR index
  std::uint64_t value = 0;    ///< for writes
  Tick tick;                  ///< where the CPU stands; in mid-instruction the tick before it retires
};

struct ExitReply {
  std::uint64_t value = 0;
  bool fault = false;  ///< MSR accesses only: raise #GP(0)
  Tick bound;          ///< the run's bound from now on; at the earliest the tick after this instruction
};

/// How an engine in mid-instruction reaches the loop. Implemented by a fiber switch.
class ExitDoor {
 public:
  virtual ~ExitDoor() = default;
  virtual ExitReply leave(const Exit& exit) = 0;
};

struct RunRequest {
  Tick start;
  Tick bound;  ///< stop exactly here, as far as the unit of ticks allows; start < bound
  ClockLine clock;
  std::optional<std::uint8_t> interrupt;  ///< deliver this vector first; only when accepts_interrupt()
  bool nmi = false;                       ///< deliver an NMI first; only when accepts_nmi()
  bool want_window = false;               ///< return as soon as accepts_interrupt() becomes true
  bool single = false;                    ///< return at the next boundary: behind one instruction or one delivery
};

/// A boundary between two instructions. A tick has several when something is delivered in it: `delivered` counts
/// interrupts and faults since the last instruction retired. A trap belongs to its instruction.
struct Boundary {
  Tick tick;
  std::uint32_t delivered = 0;
  friend constexpr auto operator<=>(const Boundary&, const Boundary&) = default;
};

enum class WatchSpace : std::uint8_t { linear, physical };

/// Unit: bytes. Ranges in the linear space hold in every address space; in the physical space page tables and devices
/// count as well: what the walker marks, what DMA writes.
struct WatchRange {
  WatchSpace space = WatchSpace::linear;
  std::uint64_t from = 0, bytes = 0;
  bool on_read = false, on_write = true;
};

/// What a debugger wants to be told of. Not state: it changes nothing that the guest can see.
struct WatchSet {
  std::vector<std::uint64_t> breakpoints;  ///< linear addresses of instructions
  std::vector<WatchRange> ranges;
  /// Never pause for any of it, only remember the last: to look for something in a stretch of the past.
  bool collect = false;
  bool empty() const { return breakpoints.empty() && ranges.empty(); }
};

enum class WatchKind : std::uint8_t { breakpoint, read, write, device_write };

struct WatchHit {
  WatchKind kind = WatchKind::breakpoint;
  std::uint64_t address = 0;  ///< the breakpoint, or the first byte touched, in the space of its range
  std::uint32_t bytes = 0;
  std::uint32_t range = 0;  ///< index into WatchSet::ranges
  /// Where the instruction or delivery begins that did it; a device's write by itself: the tick of the visit.
  Boundary begin;
};

/// Something that an engine counts, for people; not state.
struct EngineCounter {
  std::string_view name;
  std::uint64_t value = 0;
};

/// Asked by engines that count exits, about once a second while no tick passes: for the how-manieth time in a row.
/// False: the run ends as `spinning`.
using Patience = std::function<bool(unsigned times)>;

class Engine : public MemoryObserver {
 public:
  virtual EngineTraits traits() const = 0;

  /// Runs until the bound or an earlier reason. Not reentrant. Called on the engine's fiber.
  virtual Exit run(const RunRequest& request, ExitDoor& door) = 0;

  virtual bool accepts_interrupt() const = 0;
  virtual bool accepts_nmi() const = 0;
  virtual Activity activity() const = 0;
  /// An interrupt or NMI ends HLT.
  virtual void wake() = 0;

  /// Only between runs.
  virtual void set_state(const CpuState& state) = 0;
  virtual CpuState state() const = 0;
  virtual void drop_caches() = 0;
  virtual std::vector<EngineCounter> engine_counters() const { return {}; }

  // For debuggers. An engine that cannot watch ignores all of it, and RunRequest::single.
  virtual bool can_watch() const { return false; }
  /// Only between runs. A run then ends as `watched` in front of each breakpoint, but not at the boundary where it
  /// starts, and behind each instruction that touched a linear range; behind what touched a physical one at the next
  /// opportunity.
  virtual void set_watched(const WatchSet&) {}
  /// The first touch since the last call; of a set that collects the last touch or breakpoint. Otherwise breakpoints
  /// are not among them: who stands on one sees it by RIP.
  virtual std::optional<WatchHit> take_hit() { return std::nullopt; }
  /// Interrupts and exceptions delivered since the last instruction retired.
  virtual std::uint32_t delivered() const { return 0; }
};

}  // namespace lockstitch
