// See pair.h. What goes wrong is in faults.cc.
#include "tests/sim/pair.h"

#include <cstdlib>
#include <utility>

namespace lockstitch::sim {

using sync::Right;
using sync::Role;

namespace {

/// LOCKSTITCH_SIM_TRACE=n: that many.
std::size_t trace_lines() {
  const char* text = std::getenv("LOCKSTITCH_SIM_TRACE");
  return text == nullptr ? 60 : std::strtoull(text, nullptr, 10);
}
/// After the last fault is mended.
constexpr HostTime progress_limit = 30 * s;

}  // namespace

void Figures::add(const Figures& other) {
  events += other.events;
  faults += other.faults;
  take_overs += other.take_overs;
  joins += other.joins;
  cold_starts += other.cold_starts;
  effects += other.effects;
  duplicates += other.duplicates;
  answered += other.answered;
  kills += other.kills;
  guests_ended += other.guests_ended;
  nobody_may_lead += other.nobody_may_lead;
  simulated += other.simulated;
}

Pair::Pair(const Scenario& scenario, bool tracing)
    : scenario_(scenario),
      tracing_(tracing),
      random_(scenario.seed),
      arbiter_(queue_, random_, scenario.plant, [this] { changed(); }),
      network_(queue_, random_, scenario_,
               [this](unsigned to, const std::shared_ptr<Connection>& connection, Packet packet) {
                 Host& host = hosts_[to];
                 if (!host.process) {
                   // The kernel answers, if it runs: nobody listens here.
                   if (host.silent.empty()) network_.close(connection, to);
                   return;
                 }
                 post(host, host.processes, [&host, connection, packet = std::move(packet)]() mutable {
                   host.process->heard(connection, std::move(packet));
                 });
               }) {
  for (unsigned i = 0; i < 2; ++i) {
    hosts_[i].index = i;
    hosts_[i].name = static_cast<char>('a' + i);
  }
}

Pair::~Pair() = default;

void Pair::add_note(const std::string& text) {
  const HostTime now = queue_.now();
  std::string time = std::to_string(now / us % 1'000'000);
  time = std::to_string(now / s) + "." + std::string(6 - time.size(), '0') + time;
  trace_.push_back(time + "  " + text);
  if (trace_.size() > trace_lines()) trace_.pop_front();
}

std::string Pair::describe() const {
  std::string text;
  for (const Host& host : hosts_) {
    if (!text.empty()) text += "; ";
    if (host.process) {
      text += host.process->describe() + (host.stopped ? ", stopped" : "");
    } else {
      text += std::string(1, host.name) + " is not running";
    }
  }
  return text + "; the arbiter holds term " + std::to_string(arbiter_.record().term) + " of '" +
         arbiter_.record().holder + "'";
}

// ---- Processes

void Pair::post(Host& host, std::uint64_t process, std::function<void()> what) {
  if (!host.process || host.processes != process) return;
  if (host.stopped) {
    host.backlog.push_back(std::move(what));
  } else {
    what();
  }
}

void Pair::start(Host& host) {
  if (host.process || host.finished) return;
  for (const auto& connection : std::exchange(host.silent, {})) network_.vanish(connection, host.index, true);
  ++host.processes;
  sync::ReplicaOptions options;
  options.name = std::string(1, host.name);
  options.may_start = host.index == 0 || scenario_.b_may_start;
  host.process = std::make_unique<Process>(*this, host, options);
  note([&] { return host.process->describe() + ": it has just started"; });
  beat(host, host.processes);
  core_beat(host, host.processes);
  dial_beat(host, host.processes);
}

void Pair::kill(Host& host, bool power_failure, const std::string& how) {
  if (!host.process) return;
  note([&] { return to_text(host.process->name()) + " dies: " + how; });
  ++figures_.kills;
  host.process->die(power_failure);
  graveyard_.push_back(std::move(host.process));
  host.stopped = false;
  host.backlog.clear();
  last_loss_ = queue_.now();
  check_redundancy();
  restart_later(host, random_.spread(5 * ms, 10 * s));
}

void Pair::finish(Host& host) {
  note([&] { return to_text(host.process->name()) + " ends with its guest"; });
  host.process->die(false);
  graveyard_.push_back(std::move(host.process));
  host.finished = true;
  ++figures_.guests_ended;
}

void Pair::restart_later(Host& host, HostTime delay) {
  queue_.after(mended_ ? random_.below(2 * s) : delay, [this, &host] { start(host); });
}

void Pair::beat(Host& host, std::uint64_t process) {
  queue_.after(random_.between(10, 50) * ms, [this, &host, process] {
    if (!host.process || host.processes != process) return;
    if (!host.stopped) host.process->time_passes();
    beat(host, process);
  });
}

void Pair::core_beat(Host& host, std::uint64_t process) {
  queue_.after(scenario_.core_period + random_.below(2 * ms), [this, &host, process] {
    if (!host.process || host.processes != process) return;
    if (!host.stopped && host.slow_until <= queue_.now()) host.process->core_runs();
    core_beat(host, process);
  });
}

void Pair::dial_beat(Host& host, std::uint64_t process) {
  queue_.after(200 * ms, [this, &host, process] {
    if (!host.process || host.processes != process) return;
    if (!host.stopped) host.process->dials();
    dial_beat(host, process);
  });
}

void Pair::clients() {
  const HostTime pause = scenario_.client_every / 2 + random_.below(scenario_.client_every);
  queue_.after(pause, [this] {
    const bool switch_off = scenario_.guest_ends && queue_.now() > scenario_.faults_until / 2 && random_.chance(20);
    const RequestId id = switch_off ? power_off : ++requests_;
    for (Host& host : hosts_) {
      post(host, host.processes, [&host, id] { host.process->request(id); });
    }
    clients();
  });
}

// ---- The run

void Pair::run() {
  for (Host& host : hosts_) queue_.after(random_.spread(1 * ms, 4 * s), [this, &host] { start(host); });
  clients();
  plan_fault();
  while (queue_.now() < scenario_.faults_until && !over() && queue_.run_one()) ++figures_.events;
  mend();
  expect_progress();
  check_last_disk();
  figures_.effects = outside_.effects_seen();
  figures_.duplicates = outside_.duplicates();
  figures_.answered = outside_.answered();
  figures_.simulated = queue_.now();
}

bool Pair::over() const { return hosts_[0].finished && hosts_[1].finished; }

bool Pair::paired() const {
  for (unsigned i = 0; i < 2; ++i) {
    const auto &leader = hosts_[i].process, &follower = hosts_[1 - i].process;
    if (!leader || !follower) continue;
    if (leader->replica().role() == Role::paired && follower->replica().role() == Role::following &&
        leader->core().mode() == Core::Mode::leading && !leader->core().frozen()) {
      return true;
    }
  }
  return false;
}

void Pair::expect_progress() {
  const HostTime mended = queue_.now();
  std::uint64_t effects = 0;
  std::size_t answered = 0;
  bool seen_paired = false;
  while (queue_.now() - mended < progress_limit) {
    if (over()) return;
    if (!seen_paired && paired()) {
      seen_paired = true;
      effects = outside_.effects_seen();
      answered = outside_.answered();
    }
    if (seen_paired && paired() && outside_.effects_seen() > effects + 20 && outside_.answered() > answered + 3) {
      return;
    }
    for (unsigned i = 0; i < 50 && queue_.run_one(); ++i) ++figures_.events;
  }
  if (over()) return;
  if (hosts_[0].finished || hosts_[1].finished) {
    const Host& other = hosts_[hosts_[0].finished ? 1 : 0];
    const Role role = other.process->replica().role();
    // Who lost what it had taken over has begun a new life.
    if (role == Role::standby || role == Role::starting || role == Role::alone) return;
    throw Violation{"the guest has ended, but not everywhere: " + describe()};
  }
  if (could_lead(hosts_[0]) || could_lead(hosts_[1])) throw Violation{"no progress: " + describe()};
  for (const Host& host : hosts_) {
    const sync::Replica& replica = host.process->replica();
    if (replica.role() == Role::standby || !replica.obstacle().empty()) continue;
    throw Violation{"nobody may lead, and that is not said: " + describe()};
  }
  ++figures_.nobody_may_lead;
}

void Pair::check_last_disk() {
  for (const Host& host : hosts_) {
    if (!host.process || host.process->core().mode() != Core::Mode::leading) continue;
    if (leads(host.process->replica().role())) outside_.expect_all_answered_in(host.disk, "the last leader");
  }
}

// ---- Checks at every change of a replica

bool Pair::could_lead(const Host& host) const {
  if (host.finished) return true;
  const sync::ArbiterRecord& record = arbiter_.record();
  const sync::Standing& standing = host.standing;
  const bool in_time =
      record.term == standing.term || record == sync::ArbiterRecord{standing.term + 1, std::string(1, host.name)};
  if (!host.process) {
    const bool has_a_right = standing.right == Right::fresh || standing.right == Right::led;
    return has_a_right && in_time && (host.index == 0 || scenario_.b_may_start);
  }
  switch (host.process->replica().role()) {
    case Role::standby:
    case Role::joining:
      return false;
    case Role::alone:
    case Role::inviting:
    case Role::paired:
    case Role::ended:
      return true;
    default:
      return in_time;
  }
}

void Pair::changed() {
  if (scenario_.plant == Plant::no_term_check) return;
  for (unsigned i = 0; i < 2; ++i) {
    const auto &leader = hosts_[i].process, &follower = hosts_[1 - i].process;
    if (!leader || !follower) continue;
    const sync::Replica &one = leader->replica(), &other = follower->replica();
    const bool in_sync = one.role() == Role::paired && other.role() == Role::following && one.term() == other.term();
    if (!in_sync || arbiter_.record().term == one.term()) continue;
    // An earlier process of the follower's host may have won the next term, and died before it wrote that down.
    const sync::ArbiterRecord followers{one.term() + 1, std::string(1, hosts_[1 - i].name)};
    if (arbiter_.record() == followers && hosts_[1 - i].processes > 1) continue;
    throw Violation{"there is a follower in sync, but it could not take over: " + describe()};
  }
  check_redundancy();
}

/// The right to run the guest is lost for good only with the process or the disk that had it.
void Pair::check_redundancy() {
  const bool recoverable = could_lead(hosts_[0]) || could_lead(hosts_[1]);
  const bool excused = last_loss_ != 0 && queue_.now() - last_loss_ < 8 * s;
  if (std::exchange(recoverable_, recoverable) && !recoverable && !excused && scenario_.plant == Plant::none) {
    throw Violation{"nobody can lead any more, although nothing was lost: " + describe()};
  }
}

}  // namespace lockstitch::sim
