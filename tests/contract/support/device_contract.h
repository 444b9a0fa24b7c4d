// What every device owes the machine, checked by random work from one seed: reset is idempotent and equals power-on; a
// saved and loaded device is the same device, now and later; any sequence of accesses is safe; a damaged checkpoint is
// refused or harmless. A test describes its device once, as a Rig, and calls check_device_contract.
#pragma once
#include <doctest/doctest.h>

#include "tests/contract/support/random.h"
#include "tests/contract/support/rig.h"
#include "tests/contract/support/state_image.h"

namespace lockstitch::test {

/// The state of a rig less what a device wrote to guest memory, which outlives a reset.
inline StateImage without_memory(Rig& rig) {
  StateImage image = save(rig);
  std::erase_if(image.entries, [](const auto& e) { return e.path.starts_with("bench/memory"); });
  return image;
}

inline void check_device_contract(const RigMaker& make, unsigned rounds = 100, unsigned events = 300) {
  const std::uint64_t seed = run_seed();
  for (unsigned round = 0; round < rounds; ++round) {
    Random random(seed + 0x1'0000'0000ull * round);
    CAPTURE(seed);
    CAPTURE(round);

    // A new device is a reset device.
    auto first = make();
    const StateImage fresh = save(*first);
    first->device().reset();
    REQUIRE_EQ(difference(fresh, save(*first)), "");

    // Saved and loaded, it is the same device and has the same future.
    const unsigned past = 1 + static_cast<unsigned>(random.below(events));
    for (unsigned i = 0; i < past; ++i) random_event(*first, random);
    const StateImage image = save(*first);
    auto second = make();
    REQUIRE_EQ(load(*second, image), "");
    second->device().loaded();
    REQUIRE_EQ(difference(image, save(*second)), "");
    REQUIRE_EQ(image.hash(), save(*second).hash());
    first->bench.take_outputs();
    second->bench.take_outputs();
    Random future_a = random, future_b = random;
    for (unsigned i = 0; i < events; ++i) {
      CAPTURE(i);
      REQUIRE_EQ(random_event(*first, future_a), random_event(*second, future_b));
      REQUIRE_EQ(first->bench.take_outputs(), second->bench.take_outputs());
    }
    REQUIRE_EQ(difference(save(*first), save(*second)), "");

    // Reset is power-on, at whatever time it happens, and twice is once.
    auto later = make();
    later->bench.clock.time = first->bench.clock.time;
    later->device().reset();
    first->device().reset();
    if (!first->keeps_contents) REQUIRE_EQ(difference(without_memory(*later), without_memory(*first)), "");
    const StateImage once = save(*first);
    first->device().reset();
    REQUIRE_EQ(difference(once, save(*first)), "");

    // A damaged image is refused, or what it makes is safe to use.
    StateImage damaged = image;
    for (unsigned hits = 0; hits < 3; ++hits) {
      auto& entry = damaged.entries[random.below(damaged.entries.size())];
      if (entry.path.starts_with("bench/")) continue;
      if (entry.bits != 0) entry.number = random.one_in(3) ? random.below(64) : random.next();
      for (auto& byte : entry.bytes)
        if (random.one_in(4)) byte = static_cast<std::uint8_t>(random.next());
    }
    auto third = make();
    if (load(*third, damaged).empty()) {
      third->device().loaded();
      for (unsigned i = 0; i < events / 4; ++i) random_event(*third, random);
    }
  }
}

}  // namespace lockstitch::test
