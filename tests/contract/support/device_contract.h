// What every device owes the machine, checked by random work from one seed: reset is idempotent and equals power-on; a
// saved and loaded device is the same device, now and later; any sequence of accesses is safe; a damaged checkpoint is
// refused or harmless. A test describes its device once, as a Rig, and calls check_device_contract.
#pragma once
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/contract/support/bench.h"
#include "tests/contract/support/random.h"
#include "tests/contract/support/state_image.h"

namespace lockstitch::test {

/// One device on its bench. Derive, construct the device, list its windows, arrivals and other stimuli.
class Rig : public Stateful {
 public:
  struct Window {
    RegisterWindow* window;
    std::uint64_t size;
    unsigned max_width = 8;
  };
  Bench bench;
  std::vector<Window> windows;
  std::vector<ArrivalHandler*> arrivals;
  /// Anything else that can happen to the device: an input wire, an acknowledge. The return value is compared.
  std::vector<std::function<std::uint64_t(std::uint64_t random)>> actions;
  /// Contents survive a reset (battery), so a reset device need not equal a new one.
  bool keeps_contents = false;

  virtual Device& device() = 0;
  void visit(StateVisitor& v) override {
    bench.visit(v);
    Section section(v, device().name());
    device().visit(v);
  }
};

using RigMaker = std::function<std::unique_ptr<Rig>()>;

/// One random event. Returns what the guest would have seen.
inline std::uint64_t random_event(Rig& rig, Random& random) {
  const std::uint64_t choice = random.below(16);
  if (choice < 12 && !rig.windows.empty()) {
    const auto& w = rig.windows[random.below(rig.windows.size())];
    unsigned width = 1u << random.below(4);
    while (width > w.size || width > w.max_width) width /= 2;
    std::uint64_t offset = random.below(w.size - width + 1);
    if (!random.one_in(4)) offset &= ~std::uint64_t{width - 1};
    if (choice < 5) return w.window->read(offset, width) & ones(width);
    std::uint64_t value = random.next();
    if (random.one_in(2)) value &= 0xff;
    if (random.one_in(8)) value = 0;
    w.window->write(offset, width, value & ones(width));
    return 0;
  }
  if (choice == 12 && !rig.arrivals.empty()) {
    std::vector<std::uint8_t> payload(random.below(random.one_in(16) ? 3000 : 20));
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(random.next());
    rig.arrivals[random.below(rig.arrivals.size())]->arrive(payload);
    return 0;
  }
  if (choice == 13 || rig.actions.empty()) {
    static constexpr std::array<std::uint64_t, 6> reach = {1, 10, 1000, 30'000, 300'000, 2'000'000};
    if (random.one_in(10)) {
      rig.bench.jump(random.below(3'000'000'000));
    } else {
      rig.bench.advance(random.below(reach[random.below(reach.size())]) + 1);
    }
    return rig.bench.clock.time.value;
  }
  return rig.actions[random.below(rig.actions.size())](random.next());
}

/// The state of a rig less what a device wrote to guest memory, which outlives a reset.
inline StateImage without_memory(Rig& rig) {
  StateImage image = save(rig);
  std::erase_if(image.entries, [](const auto& e) { return e.path.starts_with("bench/memory"); });
  return image;
}

inline void check_device_contract(const RigMaker& make, unsigned rounds = 40, unsigned events = 400) {
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
    for (unsigned i = 0; i < events; ++i) random_event(*first, random);
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
