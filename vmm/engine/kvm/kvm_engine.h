// The guest on the host's KVM, behind the same contract as our own CPU. Memory, devices, interrupt controllers and all
// MSRs but a few are ours; KVM executes instructions. What it cannot execute, and every delivery of an interrupt, is
// done by the interpreter on the fetched state, so that there is one set of semantics and one rule for RIP: at a
// boundary it is the next instruction, at a hand-over the one that is executed.
//
// The unit of ticks decides how the guest is run (docs/KVM.md):
//   host_ns      free: a timer ends each run, ticks are the host's nanoseconds. Nothing is deterministic.
//   exit         boundary: the machine looks at the guest only behind exits, which are counted.
//   instruction  stepping: one instruction at a time; whatever must not see the host is executed by the interpreter.
#pragma once
#include <memory>
#include <optional>
#include <set>

#include "lockstitch/engine.h"
#include "lockstitch/result.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/kvm/counter_pages.h"
#include "vmm/engine/kvm/kick.h"
#include "vmm/engine/kvm/kvm_system.h"
#include "vmm/engine/kvm/memory_slots.h"
#include "vmm/engine/kvm/register_file.h"

namespace lockstitch::kvm {

struct KvmOptions {
  TickUnit ticks = TickUnit::host_ns;
  interp::CpuModel model;
  std::string device = "/dev/kvm";
  Patience patience;  ///< for TickUnit::exit
  /// For TickUnit::instruction. Also steps through instructions some of whose flags are undefined: to compare KVM with
  /// the interpreter, not to be equal to it.
  bool undefined_flags = false;
};

struct KvmCounters {
  std::uint64_t entries = 0;             ///< of KVM_RUN
  std::uint64_t emulation_failures = 0;  ///< KVM did not know the instruction: handed over
  std::uint64_t register_accesses = 0;   ///< of MSRs: handed over
  std::uint64_t counter_pages = 0;       ///< instructions on pages that may read the TSC: handed over
  std::uint64_t held_accesses = 0;       ///< by other code to such pages
  std::uint64_t deliveries = 0;          ///< interrupts and waiting exceptions: handed over
  std::uint64_t steps = 0;               ///< single steps on the processor
  std::uint64_t handed_steps = 0;        ///< instructions that are never stepped: handed over
  std::uint64_t faulted_steps = 0;       ///< steps undone because they faulted or left: handed over
  std::uint64_t kicks = 0;
};

class KvmEngine final : public Engine, private ExitDoor {
 public:
  /// Fails: no KVM, or one that lacks what an engine needs; each with its cure.
  static Result<std::unique_ptr<KvmEngine>> make(GuestMemory& memory, const KvmOptions& options);
  ~KvmEngine() override;

  EngineTraits traits() const override;
  Exit run(const RunRequest& request, ExitDoor& door) override;
  bool accepts_interrupt() const override;
  bool accepts_nmi() const override;
  Activity activity() const override { return registers_.activity(); }
  void wake() override;
  void set_state(const CpuState& state) override;
  CpuState state() const override;
  void drop_caches() override { helper_.drop_caches(); }
  std::vector<EngineCounter> engine_counters() const override;
  void memory_written(Gpa gpa, std::uint64_t length) override;
  void memory_remapped() override;
  void dirty_cleared() override { helper_.dirty_cleared(); }
  void collect_writes() override { slots_.collect_writes(); }

  const KvmCounters& kvm_counters() const { return counters_; }

 private:
  KvmEngine(GuestMemory& memory, const KvmOptions& options, KvmVm vm, KvmVcpu vcpu, bool shares_registers,
            std::uint32_t tsc_khz);

  // The loop.
  std::optional<Exit> ended();
  void enter();
  void run_processor();
  void handle_exit();
  void exit_passed();
  void check_patience();
  void finish_instruction();
  bool inside_string();
  bool settle();
  void step();

  // Accesses of the guest.
  ExitReply leave(const Exit& exit) override;
  ExitReply leave_at(Exit exit);
  void access_ports();
  void access_memory();
  void undo_access();
  void share_priority();
  bool access_held_page();
  void look_for_counter_pages();
  bool on_counter_page();
  void execute_counter_page();

  // Hand-over.
  void hand_over();
  void deliver(const RunRequest& event);
  void run_helper(const RunRequest& request, std::uint64_t instructions);
  Exit run_helper_only(RunRequest request, std::uint64_t instructions);
  void take_over_from_helper(const Exit& exit, Tick before);

  // Ticks.
  Tick now();
  bool bound_reached();
  void arm_kick();
  void set_counter();
  Exit at(ExitKind kind) const { return {kind, 0, 0, 0, tick_}; }

  GuestMemory& memory_;
  const KvmOptions options_;
  KvmVm vm_;
  KvmVcpu vcpu_;
  mutable RegisterFile registers_;
  CounterPages counter_pages_;
  MemorySlots slots_;
  interp::Interp helper_;
  Kick kick_;
  const std::uint32_t tsc_khz_;  ///< 0: the model's

  // Of the current run.
  Tick helper_tick_;  ///< instructions, from an arbitrary zero

  ExitDoor* door_ = nullptr;
  ClockLine clock_;
  Tick start_, tick_, bound_;
  std::uint64_t started_ns_ = 0;
  bool want_window_ = false;
  bool access_pending_ = false;  ///< KVM has to complete an access before anything else

  // Of the last access, to know a string instruction by.
  struct Access {
    bool write = false, port = false;
    std::uint64_t address = 0, value = 0, rip = 0;
    unsigned width = 0;
  } last_access_;
  std::uint8_t priority_ = 0;
  bool priority_stale_ = true;
  bool counter_stale_ = true;
  std::set<std::uint64_t> known_roots_;  ///< values of CR3 whose pages have been looked at
  Tick looked_at_;
  std::uint64_t counter_page_visits_ = 0;  ///< since the last exit of another kind
  std::uint64_t stretch_ = 0;              ///< Unit: instructions
  bool started_ = false;
  bool spun_ = false;
  Tick spin_tick_;
  unsigned asked_ = 0;  ///< for patience, in a row
  KvmCounters counters_;
};

}  // namespace lockstitch::kvm
