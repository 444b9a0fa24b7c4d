// The device contract, for the hypervisor interface.
#include <doctest/doctest.h>

#include "tests/contract/hyperv/hyperv_rig.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch::test;

namespace {
/// As it is, with the count of crash reports left out of "reset is power-on".
struct Counted : HypervRig {
  Counted() { keeps_contents = true; }
};
}  // namespace

TEST_CASE("the hypervisor interface survives save and load and is safe under any accesses") {
  check_device_contract([] { return std::make_unique<Counted>(); });
}

TEST_CASE("a reset leaves nothing of the hypervisor interface but the count of crashes") {
  HypervRig r;
  const StateImage fresh = save(r);
  const std::uint64_t seed = run_seed();
  CAPTURE(seed);
  Random random(seed);
  for (unsigned round = 0; round < 200; ++round) {
    for (unsigned i = 0; i < 50; ++i) random_event(r, random);
    r.it.reset();
    StateImage now = save(r), then = fresh;
    for (StateImage* image : {&now, &then})
      std::erase_if(image->entries, [](const auto& e) {
        return e.path.starts_with("bench/memory") || e.path == "bench/time_ns" || e.path == "hyperv/crashes";
      });
    REQUIRE_EQ(difference(then, now), "");
  }
}
