// What the stub of gdb's remote protocol needs of a machine. Implemented where the machine is driven (vmm/debug); the
// stub itself knows no machine. All of it is called on the thread that steps the machine, while it stands still, but
// interrupted(), which the machine calls now and then while it runs.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/cpu_state.h"
#include "lockstitch/result.h"
#include "lockstitch/types.h"

namespace lockstitch::gdb {

enum class Move : std::uint8_t { step, resume, step_back, resume_back };

struct Resume {
  Move move = Move::resume;
  /// For Move::step: go on stepping while RIP is in [from, until); equal: one step. `vCont;r`.
  std::uint64_t from = 0, until = 0;
};

enum class StopReason : std::uint8_t {
  step,
  breakpoint,     ///< stands on it, not executed
  watchpoint,     ///< forwards behind, backwards before the instruction that touched it
  interrupted,    ///< the person asked
  history_begin,  ///< the earliest moment that can be gone back to
  history_end,    ///< the end of the recording; the machine stands there and can go back
  ended,          ///< a live machine is over: power-off or the like; nothing but detaching makes sense
};

enum class Watch : std::uint8_t { write, read, access };

struct Stop {
  StopReason reason = StopReason::step;
  Watch watch = Watch::write;  ///< for watchpoint: the kind that was set
  std::uint64_t address = 0;   ///< for watchpoint: inside the watched range
  std::uint8_t exit_code = 0;  ///< for ended
  std::string note;            ///< for the person, printed before the stop is reported; may be empty
};

struct WatchRange {
  Watch watch = Watch::write;
  std::uint64_t address = 0;  ///< linear
  std::uint64_t bytes = 0;    ///< Range: at least 1
  friend bool operator==(const WatchRange&, const WatchRange&) = default;
};

/// All that is set at the moment. Addresses are linear and hold in every address space.
struct Watched {
  std::vector<std::uint64_t> breakpoints;
  std::vector<WatchRange> ranges;
};

class Target {
 public:
  virtual ~Target() = default;

  /// bs and bc work.
  virtual bool can_go_back() const = 0;

  virtual CpuState cpu() = 0;
  /// Writes begin a diversion in a replay; the sentence that says so comes back and is shown to the person. Fails: the
  /// machine cannot be changed now; nothing is changed.
  virtual Result<std::string> set_cpu(const CpuState& state) = 0;

  /// Linear addresses in the address space of this moment, as a supervisor, without touching accessed bits. Returns how
  /// many bytes from the start could be read; devices' registers are not read.
  virtual std::uint64_t read_memory(std::uint64_t address, MutableBytes out) = 0;
  /// As set_cpu(). Fails also: a byte that is not there; nothing is written then.
  virtual Result<std::string> write_memory(std::uint64_t address, Bytes in) = 0;
  /// The same by physical address.
  virtual std::uint64_t read_physical(std::uint64_t address, MutableBytes out) = 0;
  virtual Result<std::string> write_physical(std::uint64_t address, Bytes in) = 0;

  /// Replaces what is watched.
  virtual void set_watched(const Watched& watched) = 0;

  /// Moves until a stop. `interrupted` is asked between pieces of a few milliseconds; true ends the move.
  virtual Stop resume(const Resume& how, const std::function<bool()>& interrupted) = 0;

  /// `monitor LINE`. The text is shown as it is; may move the machine (`goto`), which gdb is then told by its registers
  /// being read anew. `interrupted` as above, for commands that take long. Fails: a sentence for the person.
  virtual Result<std::string> monitor(std::string_view line, const std::function<bool()>& interrupted) = 0;

  /// The debugger went away. Everything that was watched is gone; marks and position stay for the next one.
  virtual void detached() = 0;
};

}  // namespace lockstitch::gdb
