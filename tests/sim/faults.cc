// What goes wrong with a simulated pair, when, and for how long.
#include <utility>

#include "tests/sim/pair.h"

namespace lockstitch::sim {
namespace {

constexpr const char* fault_names[fault_kinds] = {"kill",       "kill between actions", "power failure", "stop",
                                                  "slow core",  "cut one way",          "cut both ways", "slow link",
                                                  "close link", "arbiter away",         "lost answers",  "hand over",
                                                  "play dead",  "drop follower",        "step down"};

}  // namespace

void Pair::plan_fault() {
  // Some come one upon the other.
  const HostTime pause = random_.chance(300) ? random_.below(300 * ms) : 1 + random_.below(2 * scenario_.fault_every);
  queue_.after(pause, [this] {
    if (mended_) return;
    strike();
    plan_fault();
  });
}

void Pair::provoke() {
  if (mended_ || !random_.chance(scenario_.provoke_permille)) return;
  queue_.after(random_.spread(10 * us, 500 * ms), [this] {
    if (!mended_) strike();
  });
}

void Pair::strike() {
  const auto kind = static_cast<unsigned>(random_.below(fault_kinds));
  Host& host = hosts_[random_.below(2)];
  if ((scenario_.faults >> kind & 1) == 0) return;
  ++figures_.faults;
  note([&] { return std::string("FAULT at ") + host.name + ": " + fault_names[kind]; });
  strike(static_cast<Fault>(kind), host);
}

void Pair::strike(Fault fault, Host& host) {
  const HostTime length = random_.chance(500) ? random_.between(100, 1500) * ms : random_.spread(1 * ms, 8 * s);
  const auto later = [&](auto undo) {
    queue_.after(length, [this, undo] {
      if (!mended_) undo();
    });
  };
  switch (fault) {
    case Fault::kill:
      return kill(host, false, "killed");
    case Fault::kill_between_actions:
      if (host.process) host.process->doom(static_cast<unsigned>(random_.between(1, 12)));
      return;
    case Fault::power_failure:
      return kill(host, true, "power failure");
    case Fault::pause:
      if (!host.process || host.stopped) return;
      host.stopped = true;
      return later([this, &host, process = host.processes] {
        if (host.processes == process) go_on(host);
      });
    case Fault::slow_core:
      host.slow_until = queue_.now() + length;
      return;
    case Fault::cut_one_way:
      network_.cut(host.index);
      return later([this, &host] { network_.mend(host.index); });
    case Fault::cut_both_ways:
      network_.cut(0);
      network_.cut(1);
      return later([this] {
        network_.mend(0);
        network_.mend(1);
      });
    case Fault::slow_link:
      return network_.slow(queue_.now() + length);
    case Fault::close_link:
      for (Host& side : hosts_) {
        if (side.process) side.process->loses_link();
      }
      return;
    case Fault::arbiter_away:
    case Fault::arbiter_loses_answers: {
      const Reach bad = random_.chance(500) ? Reach::loses : Reach::moody;
      const Reach reach = fault == Fault::arbiter_away ? Reach::away : bad;
      const bool for_both = random_.chance(600);
      for (Host& one : hosts_) {
        if (!for_both && one.index != host.index) continue;
        arbiter_.reach[one.index] = reach;
        later([this, &one] { arbiter_.reach[one.index] = Reach::answers; });
      }
      return;
    }
    case Fault::step_down:
      last_loss_ = queue_.now();
      [[fallthrough]];
    case Fault::hand_over:
    case Fault::play_dead:
    case Fault::drop_follower:
      // To whom it may apply.
      for (Host& one : hosts_) {
        if (fault == Fault::step_down && one.index != host.index) continue;
        post(one, one.processes, [&one, fault] { one.process->faulted(fault); });
      }
      return;
  }
}

void Pair::go_on(Host& host) {
  if (!std::exchange(host.stopped, false) || !host.process) return;
  note([&] { return to_text(host.process->name()) + " goes on"; });
  host.went_on_at = queue_.now();
  const std::uint64_t process = host.processes;
  const bool timers_first = random_.chance(500);
  if (timers_first) host.process->time_passes();
  for (auto& what : std::exchange(host.backlog, {})) post(host, process, std::move(what));
  if (!timers_first && host.process && host.processes == process && !host.stopped) host.process->time_passes();
}

void Pair::mend() {
  note([] { return "ALL FAULTS ARE MENDED"; });
  mended_ = true;
  arbiter_.reach = {};
  for (Host& host : hosts_) {
    while (network_.is_cut(host.index)) network_.mend(host.index);
    host.slow_until = 0;
    if (host.process) host.process->doom(0);
    go_on(host);
    if (!host.process) restart_later(host, 0);
  }
}

}  // namespace lockstitch::sim
