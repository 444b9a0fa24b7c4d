// A whole pair, its arbiter, its link and its clients in simulated time, and whatever goes wrong with them: one seed,
// one history.
#pragma once
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/arbiter.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/network.h"
#include "tests/sim/outside.h"
#include "tests/sim/process.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"

namespace lockstitch::sim {

/// What outlives a process.
struct Host {
  unsigned index = 0;
  char name = '?';
  sync::Standing standing;
  Disk disk;
  std::unique_ptr<Process> process;
  std::uint64_t processes = 0;
  bool stopped = false;      ///< by SIGSTOP
  bool finished = false;     ///< its guest has ended, and so did it
  HostTime slow_until = 0, went_on_at = 0;
  std::deque<std::function<void()>> backlog;        ///< while it is stopped
  std::vector<std::shared_ptr<Connection>> silent;  ///< since its power failed
};

/// How a run went, for the sums over many seeds.
struct Figures {
  std::uint64_t events = 0, faults = 0, take_overs = 0, joins = 0, cold_starts = 0, effects = 0, duplicates = 0;
  /// Unrepaired by design: the last process or disk with a right to the guest was lost; a second fault in a take-over.
  std::uint64_t answered = 0, kills = 0, guests_ended = 0, nobody_may_lead = 0;
  HostTime simulated = 0;
  void add(const Figures& other);
};

class Pair {
 public:
  Pair(const Scenario& scenario, bool tracing);
  ~Pair();

  /// Throws Violation.
  void run();

  const Figures& figures() const { return figures_; }
  /// The last of what happened, as text; with tracing.
  const std::deque<std::string>& trace() const { return trace_; }
  std::string describe() const;

  // For its parts.
  EventQueue& queue() { return queue_; }
  Random& random() { return random_; }
  const Scenario& scenario() const { return scenario_; }
  Network& network() { return network_; }
  SimArbiter& arbiter() { return arbiter_; }
  Outside& outside() { return outside_; }
  std::vector<std::shared_ptr<History>>& histories() { return histories_; }
  /// Batches of the log on their way, by number: what a message carries instead of bytes, for speed.
  std::vector<std::vector<sync::Entry>>& batches() { return batches_; }
  Figures& count() { return figures_; }
  Host& host(unsigned index) { return hosts_[index]; }
  /// `what` happens to this process of the host: now, when it goes on, or never.
  void post(Host& host, std::uint64_t process, std::function<void()> what);
  void kill(Host& host, bool power_failure, const std::string& how);
  void finish(Host& host);
  void changed();
  /// Something changed: the best moment for a fault.
  void provoke();
  template <class Text>
  void note(Text&& text) {
    if (tracing_) add_note(text());
  }

 private:
  void start(Host& host);
  void beat(Host& host, std::uint64_t process);
  void core_beat(Host& host, std::uint64_t process);
  void dial_beat(Host& host, std::uint64_t process);
  void clients();
  void plan_fault();
  void strike();
  void strike(Fault fault, Host& host);
  void go_on(Host& host);
  void restart_later(Host& host, HostTime delay);
  void mend();
  void expect_progress();
  bool over() const;
  bool paired() const;
  bool could_lead(const Host& host) const;
  void check_redundancy();
  void check_last_disk();
  void add_note(const std::string& text);

  const Scenario scenario_;
  const bool tracing_;
  Random random_;
  EventQueue queue_;
  SimArbiter arbiter_;
  Network network_;
  Outside outside_;
  std::array<Host, 2> hosts_;
  std::vector<std::unique_ptr<Process>> graveyard_;
  std::vector<std::shared_ptr<History>> histories_;
  std::vector<std::vector<sync::Entry>> batches_;
  Figures figures_;
  std::deque<std::string> trace_;
  RequestId requests_ = 0;
  bool mended_ = false, power_off_asked_ = false, recoverable_ = true;
  HostTime last_loss_ = 0;  ///< when a process or a disk was lost last
};

}  // namespace lockstitch::sim
