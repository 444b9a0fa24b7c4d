// The reference CPU: Engine over decoded blocks. Here: the run loop, the way to the door, state conversion.
// Not here: what instructions do (families), events (delivery.h), translation of addresses (paging.h).
#pragma once
#include <memory>
#include <vector>

#include "lockstitch/engine.h"
#include "vmm/engine/interp/cpu.h"
#include "vmm/engine/interp/watch.h"

namespace lockstitch::interp {

struct Row;

struct InterpCounters {
  std::uint64_t blocks_decoded = 0;
  std::uint64_t exceptions = 0;
  std::uint64_t interrupts = 0;
  std::uint64_t dispatches = 0;
  std::uint64_t exact_stops = 0;
};

class Interp final : public Engine {
 public:
  explicit Interp(GuestMemory& memory, CpuModel model = {});
  ~Interp() override;

  EngineTraits traits() const override;
  Exit run(const RunRequest& request, ExitDoor& door) override;
  bool accepts_interrupt() const override;
  bool accepts_nmi() const override;
  Activity activity() const override;
  void wake() override;
  void set_state(const CpuState& state) override;
  CpuState state() const override;
  void drop_caches() override;
  bool can_watch() const override { return true; }
  void set_watched(const WatchSet& set) override;
  std::optional<WatchHit> take_hit() override;
  std::uint32_t delivered() const override;
  void memory_written(Gpa gpa, std::uint64_t length) override;
  void memory_remapped() override;
  void dirty_cleared() override;

  const InterpCounters& counters() const { return counters_; }

  // For engines that let this one execute what they cannot.
  /// The row of the instruction at RIP; null: it cannot be fetched or is undefined. Order: between runs.
  const Row* next_row();
  /// Where that instruction begins; nothing: it cannot be fetched. Order: between runs.
  std::optional<Gpa> next_gpa();
  /// The next run delivers it first, at the boundary where the CPU stands; its bound may be its start then.
  void queue_exception(std::uint8_t vector, std::optional<std::uint32_t> code);
  /// Between two chunks of a REP string instruction.
  bool inside_string() const;

 private:
  enum class EventKind : std::uint8_t { none, exception, external, nmi };
  /// An event that waits for delivery at the current boundary.
  struct Event {
    EventKind kind = EventKind::none;
    std::uint8_t vector = 0;
    bool has_code = false;
    std::uint32_t code = 0;
  };

  ExitKind loop();
  bool must_pause();
  void take_fault();
  void deliver_pending();
  void fill_link(Block* block);
  Block* lookup();
  Block* translate(std::uint64_t gpa, std::uint64_t linear, unsigned max_ops, Block* into);
  void execute(Block* block);
  void step_one();
  void finish_step();

  std::unique_ptr<Cpu> cpu_;
  std::unique_ptr<Paging> paging_;
  std::unique_ptr<BlockStore> blocks_;
  Watch watch_;
  std::vector<JumpEntry> jump_cache_;
  std::vector<std::uint64_t> scratch_storage_;
  Block* scratch_ = nullptr;
  GuestMemory& memory_;
  Event pending_;
  bool delivering_ = false;
  bool single_ = false;
  bool at_start_ = true;          ///< nothing was done in this run
  std::uint64_t delivered_tick_ = 0;
  std::uint32_t delivered_ = 0;   ///< at that tick
  bool uncounted_ = false;        ///< the next delivery belongs to the instruction that retired: a trap
  std::uint64_t fault_tick_ = 0;
  unsigned faults_at_tick_ = 0;
  InterpCounters counters_;
};

/// Where the running instruction or delivery began.
Boundary boundary_now(const Cpu& cpu);

/// Takes an exit through the door in mid-instruction and applies the new bound of the reply.
ExitReply leave_door(Cpu& cpu, Exit exit);

/// Recomputes what depends on mode, privilege, segments and control registers. After every change of those.
void mode_changed(Cpu& cpu);

}  // namespace lockstitch::interp
