// See protected_run.h.
#include "vmm/app/protected_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "sync/tape/checker.h"
#include "sync/tape/replayer.h"
#include "vmm/app/join_target.h"
#include "vmm/debug/held_target.h"
#include "vmm/gdb/stub.h"
#include "vmm/machine/state_comparer.h"
#include "vmm/world/live_source.h"

namespace lockstitch::app {

namespace {

/// Unit: ms. How long the core waits for orders and entries before it looks at its figures again.
constexpr unsigned wait_ms = 50;

/// A reverse ARP request of the guest's card (RFC 903): switches learn from it where the card is now, and nobody
/// answers.
std::vector<std::uint8_t> announcement(const std::array<std::uint8_t, 6>& mac) {
  std::vector<std::uint8_t> frame(60);
  std::fill_n(frame.begin(), 6, 0xff);
  std::copy(mac.begin(), mac.end(), frame.begin() + 6);
  const std::array<std::uint8_t, 10> head{0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
  std::copy(head.begin(), head.end(), frame.begin() + 12);
  std::copy(mac.begin(), mac.end(), frame.begin() + 22);
  std::copy(mac.begin(), mac.end(), frame.begin() + 32);
  return frame;
}

std::string to_text(const Divergence& differs) {
  return fmt::format("diverged at tick {}: {} is {}, and {} at the leader", differs.tick.value, differs.component,
                     differs.got, differs.expected);
}

}  // namespace

// ---- Leading

ProtectedRun::Life ProtectedRun::lead() {
  session_.close_input("");
  Source& source = session_.ends().source();
  Sink& sink = session_.ends().sink();
  for (;;) {
    if (desk_.has_orders()) {
      if (const auto life = obey()) return *life;
    }
    if (frozen_) {
      desk_.wait_ms(wait_ms);
      session_.serve_viewers();
      continue;
    }
    if (join_ && join_->work()) session_.inbox().nudge();  // a guest that is idle must not keep it waiting
    const unsigned slow = desk_.rest_permille();
    const world::HostNs before = slow != 0 ? session_.host_clock().now() : world::HostNs{};
    if (const auto end = machine().step(source, sink)) return ended(*end);
    if (slow != 0) rest(session_.host_clock().now() - before);
    show();
    session_.serve_viewers();
  }
}

std::optional<ProtectedRun::Life> ProtectedRun::obey() {
  while (const auto order = desk_.next_order()) {
    switch (order->kind) {
      case sync::OrderKind::begin_join:
        join_.emplace(machine(), session_.written_disks(), desk_);
        break;
      case sync::OrderKind::end_join:
        join_.reset();
        break;
      case sync::OrderKind::freeze:
        frozen_ = true;
        // Every pass took its inputs at its beginning, and the next one has not begun.
        if (machine().tick().value > 0) desk_.log().passed({machine().tick().value - 1});
        desk_.hurry();
        desk_.report({sync::CoreReport::Kind::frozen, "", machine().tick()});
        break;
      case sync::OrderKind::thaw:
        frozen_ = false;
        break;
      case sync::OrderKind::take_over:
        asked_to_take_over_ = true;
        break;
      case sync::OrderKind::discard:
        return Life::discarded;
      case sync::OrderKind::end:
        return Life::asked_to_end;
      case sync::OrderKind::cold_start:
      case sync::OrderKind::begin_receiving:
        LS_ASSERT(!"a machine was asked for while there is one");
    }
  }
  return std::nullopt;
}

ProtectedRun::Life ProtectedRun::ended(const End& end) {
  end_ = end;
  const sync::EndEntry entry{static_cast<std::uint8_t>(end.reason), end.argument, machine().digest()};
  desk_.log().append({machine().tick(), entry});
  desk_.hurry();
  desk_.report({sync::CoreReport::Kind::ended, "", machine().tick()});
  for (;;) {
    desk_.wait_ms(wait_ms);
    while (const auto order = desk_.next_order()) {
      if (order->kind == sync::OrderKind::end) return Life::guest_ended;
      if (order->kind == sync::OrderKind::discard) return Life::discarded;
    }
  }
}

void ProtectedRun::rest(std::uint64_t worked_ns) {
  const unsigned permille = std::min(desk_.rest_permille(), 900u);
  ::usleep(static_cast<unsigned>(std::min<std::uint64_t>(worked_ns * permille / (1000 - permille) / 1000, 20'000)));
}

void ProtectedRun::show() {
  desk_.figures.tick.store(machine().tick().value, std::memory_order_relaxed);
  desk_.figures.virtual_ns.store(machine().now().ns.value, std::memory_order_relaxed);
}

// ---- Following

ProtectedRun::Life ProtectedRun::receive() {
  session_.inbox().set_deaf(true);
  session_.close_input("this replica follows: the guest takes its input where it is led");
  JoinTarget target(machine(), session_.written_disks(), desk_);
  for (;;) {
    if (desk_.has_orders()) {
      if (const auto life = obey()) return *life;
    }
    if (const auto part = desk_.take_part()) {
      const auto taken = target.take(*part);
      if (!taken.ok()) return wait_for_discard(taken.error().text);
      if (taken.value()) break;
      if (const auto* progress = std::get_if<sync::JoinProgress>(&*part)) {
        desk_.figures.join_done_bytes = progress->done_bytes;
        desk_.figures.join_total_bytes = progress->total_bytes;
      }
    } else if (!target.work()) {
      desk_.wait_ms(wait_ms);
    }
  }
  show();
  desk_.report({sync::CoreReport::Kind::joined, "", machine().tick()});
  return follow();
}

ProtectedRun::Life ProtectedRun::follow() {
  MachineProbe probe(machine());
  sync::ReplayCursor cursor(machine().tick());
  sync::ReplayingSource source(cursor, probe);
  ShadowSink shadow;
  sync::CheckingSink sink(cursor, probe, shadow, first_difference);
  std::vector<sync::Entry> entries;
  for (;;) {
    if (desk_.has_orders()) {
      if (const auto life = obey()) return *life;
      if (asked_to_take_over_) return take_over(cursor, source, sink, shadow);
    }
    if (debuggers_ != nullptr) {
      if (const auto debugger = debuggers_->poll()) return hold_for(*debugger);
    }
    if (desk_.take_entries(entries)) {
      for (sync::Entry& entry : entries) cursor.feed(std::move(entry));
      heard_at_ = session_.host_clock().now();
    }
    session_.serve_viewers();
    shadow.forget_before(desk_.leader_sent_until());
    // See ReplayCursor: two ticks behind what is known.
    const Tick until = cursor.known_until();
    if (until == tick_never || until > machine().tick() + 1) {
      const Tick limit = until == tick_never ? tick_never : Tick{until.value - 1};
      const auto end = machine().step(source, sink, limit);
      if (end && end->reason != EndReason::stop_tick) return follow_to_the_end(*end, shadow);
      show();
      desk_.figures.digests_compared = cursor.digests_compared();
      if (const auto last = cursor.last_agreement()) desk_.figures.last_agreement = last->value;
      if (const auto& differs = cursor.divergence()) return wait_for_discard(to_text(*differs));
    } else {
      desk_.wait_ms(wait_ms);
    }
  }
}

/// The guest has switched itself off. Its leader may still die with the last effects, so this replica ends only when it
/// has been told to take over, which it is when the leader is gone.
ProtectedRun::Life ProtectedRun::follow_to_the_end(const End& end, ShadowSink& shadow) {
  for (;;) {
    desk_.wait_ms(wait_ms);
    if (const auto life = obey()) return *life;
    shadow.forget_before(desk_.leader_sent_until());
    if (!asked_to_take_over_) continue;
    announce();
    shadow.emit(*session_.ends().live_sink);
    return ended(end);
  }
}

ProtectedRun::Life ProtectedRun::take_over(sync::ReplayCursor& cursor, Source& source, Sink& sink, ShadowSink& shadow) {
  const world::HostNs start = session_.host_clock().now();
  const Tick from = machine().tick();
  std::vector<sync::Entry> entries;
  if (desk_.take_entries(entries)) {
    for (sync::Entry& entry : entries) cursor.feed(std::move(entry));
    heard_at_ = start;
  }
  while (machine().tick() < cursor.known_until()) {
    const auto end = machine().step(source, sink, cursor.known_until());
    if (!end || end->reason == EndReason::stop_tick) continue;
    announce();
    shadow.emit(*session_.ends().live_sink);
    return ended(*end);
  }
  shadow.forget_before(desk_.leader_sent_until());
  announce();
  const std::size_t emitted = shadow.emit(*session_.ends().live_sink);
  session_.inbox().set_deaf(false);
  // What the guest's clock has missed since it last ran on the other host it gets at once.
  if (session_.settings().clock == ClockMode::realtime) {
    session_.ends().live_source->anchor(heard_at_.value_or(start), machine().now().ns);
  }
  const std::string detail =
      fmt::format("executed {} ticks and sent {} effects that the leader may not have sent, in {:.1f} ms{}",
                  machine().tick() - from, emitted, static_cast<double>(session_.host_clock().now() - start) * 1e-6,
                  cursor.divergence() ? "; but the replicas differ: " + to_text(*cursor.divergence()) : "");
  desk_.report({sync::CoreReport::Kind::took_over, detail, machine().tick()});
  asked_to_take_over_ = false;
  return lead();
}

ProtectedRun::Life ProtectedRun::wait_for_discard(const std::string& why) {
  desk_.report({sync::CoreReport::Kind::step_down, why, machine().tick()});
  for (;;) {
    desk_.wait_ms(wait_ms);
    while (const auto order = desk_.next_order()) {
      if (order->kind == sync::OrderKind::discard) return Life::discarded;
      if (order->kind == sync::OrderKind::end) return Life::asked_to_end;
    }
  }
}

// The leader is told at once that it is alone, and this machine stands for as long as somebody looks at it.
ProtectedRun::Life ProtectedRun::hold_for(gdb::Wire& debugger) {
  desk_.report({sync::CoreReport::Kind::step_down,
                fmt::format("held by a debugger at tick {}; it joins again when that detaches", machine().tick().value),
                machine().tick()});
  debug::HeldTarget target(machine());
  (void)gdb::Stub(target, debugger).serve();
  for (;;) {
    while (const auto order = desk_.next_order()) {
      if (order->kind == sync::OrderKind::discard) return Life::discarded;
      if (order->kind == sync::OrderKind::end) return Life::asked_to_end;
    }
    desk_.wait_ms(wait_ms);
  }
}

void ProtectedRun::announce() {
  const auto port = session_.board().network_port();
  if (!port) return;
  const auto frame = announcement(session_.settings().network.mac);
  for (unsigned i = 0; i < 3; ++i) (void)session_.outbox().try_push(machine().tick(), *port, frame);
}

}  // namespace lockstitch::app
