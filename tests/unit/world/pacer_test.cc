// The pacer's arithmetic, on numbers.
#include "vmm/world/pacer.h"

#include <doctest/doctest.h>

namespace lockstitch::world {

namespace {
constexpr std::uint64_t ms = 1'000'000;
constexpr HostNs host0{7'000 * ms};
constexpr VirtualNs guest0{300 * ms};
using Kind = PaceAdvice::Kind;
}  // namespace

TEST_CASE("the two clocks run side by side from the anchor") {
  const Pacer pacer(host0, guest0);
  CHECK(pacer.virtual_at(host0 + 5 * ms) == guest0 + 5 * ms);
  CHECK(pacer.virtual_at({host0.value - 5}) == guest0);
  CHECK(pacer.host_when(guest0 + 9 * ms) == host0 + 9 * ms);
  CHECK(pacer.host_when({0}) == host0);
  CHECK(pacer.host_when(ns_never) == host_never);
  CHECK(pacer.host_when({ns_never.value - 1}) == host_never);
}

TEST_CASE("a difference within the slack is left alone") {
  Pacer pacer(host0, guest0);
  CHECK(pacer.advise(host0 + 10 * ms, guest0 + 10 * ms).kind == Kind::run);
  CHECK(pacer.advise(host0 + 10 * ms, guest0 + 11 * ms).kind == Kind::run);
  CHECK(pacer.advise(host0 + 10 * ms, guest0 + (9 * ms + 1)).kind == Kind::run);
}

TEST_CASE("a guest that is behind is advanced by exactly what it lacks, once in a millisecond") {
  Pacer pacer(host0, guest0);
  const PaceAdvice advice = pacer.advise(host0 + 10 * ms, guest0 + 3 * ms);
  CHECK(advice.kind == Kind::advance);
  CHECK(advice.advance_ns == 7 * ms);
  CHECK(pacer.advise(host0 + (11 * ms - 1), guest0 + 3 * ms).kind == Kind::run);
  CHECK(pacer.advise(host0 + 11 * ms, guest0 + 3 * ms).advance_ns == 8 * ms);
}

TEST_CASE("a guest that is ahead is to sleep until the host has caught up") {
  Pacer pacer(host0, guest0);
  const PaceAdvice advice = pacer.advise(host0 + 10 * ms, guest0 + 12 * ms);
  CHECK(advice.kind == Kind::sleep);
  CHECK(advice.sleep_until == host0 + 12 * ms);
}

TEST_CASE("a process that was stopped for an hour catches up with one advance") {
  Pacer pacer(host0, guest0);
  const std::uint64_t hour = 3'600'000 * ms;
  const PaceAdvice advice = pacer.advise(host0 + hour, guest0);
  CHECK(advice.kind == Kind::advance);
  CHECK(advice.advance_ns == hour);
  CHECK(pacer.advise(host0 + hour + 2 * ms, guest0 + hour + 2 * ms).kind == Kind::run);
}

}  // namespace lockstitch::world
