// One device on its bench with everything that can happen to it, and the choice of what happens next: by a generator in
// contract tests, by bytes in fuzz targets.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "tests/contract/support/bench.h"

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

/// One event, drawn from `random`, which has next(), below(n) and one_in(n). Returns what the guest would have seen.
template <class Choice>
std::uint64_t random_event(Rig& rig, Choice& random) {
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

}  // namespace lockstitch::test
