// Claims about the interrupt router.
#include "vmm/machine/irq_router.h"

#include <doctest/doctest.h>

#include <vector>

#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;

namespace {

struct Pin final : IrqLine {
  void set(bool level) override { edges.push_back(level); }
  std::vector<bool> edges;
};

using Edges = std::vector<bool>;

}  // namespace

TEST_CASE("a sink sees the OR of its sources, and only its changes") {
  IrqRouter router;
  Pin pin;
  router.connect(9, pin);
  IrqLine& first = router.make_line(9);
  IrqLine& second = router.make_line(9);
  IrqLine& other = router.make_line(10);
  first.set(true);
  first.set(true);
  second.set(true);
  other.set(true);
  first.set(false);
  CHECK(pin.edges == Edges{true});
  second.set(false);
  second.set(false);
  CHECK(pin.edges == Edges{true, false});
}

TEST_CASE("one interrupt may reach several controllers") {
  IrqRouter router;
  Pin pic;
  Pin ioapic;
  IrqLine& line = router.make_line(0);
  router.connect(0, pic);
  router.connect(0, ioapic);
  line.set(true);
  CHECK(pic.edges == Edges{true});
  CHECK(ioapic.edges == Edges{true});
}

TEST_CASE("levels survive save and load without an edge at the sinks") {
  IrqRouter router;
  IrqLine& first = router.make_line(5);
  router.make_line(5);
  first.set(true);
  const auto saved = save_state(router);

  IrqRouter other;
  Pin pin;
  other.connect(5, pin);
  IrqLine& other_first = other.make_line(5);
  IrqLine& other_second = other.make_line(5);
  REQUIRE(load_state(other, saved).ok());
  CHECK(pin.edges.empty());
  other_second.set(true);
  other_first.set(false);
  CHECK(pin.edges.empty());
  other_second.set(false);
  CHECK(pin.edges == Edges{false});
}
