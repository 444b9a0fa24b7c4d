// Claims about alarms.
#include "vmm/machine/alarms.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;

namespace {

struct Bell final : AlarmHandler {
  void alarm() override { ring(); }
  std::function<void()> ring;
};

struct Fixture {
  Fixture() {
    for (unsigned i = 0; i < 3; ++i) {
      ports[i] = &alarms.make("bell" + std::to_string(i), bells[i]);
      bells[i].ring = [this, i] { rung.push_back(i); };
    }
  }
  Alarms alarms;
  Bell bells[3];
  AlarmPort* ports[3];
  std::vector<unsigned> rung;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "alarms ring by deadline, ties by the order of making") {
  ports[2]->set({10});
  ports[0]->set({20});
  ports[1]->set({10});
  CHECK(alarms.next() == VirtualNs{10});
  CHECK(alarms.fire_due({9}) == 0);
  CHECK(alarms.fire_due({30}) == 3);
  CHECK(rung == std::vector<unsigned>{1, 2, 0});
  CHECK(alarms.next() == ns_never);
  CHECK(alarms.fire_due({40}) == 0);
}

TEST_CASE_FIXTURE(Fixture, "setting replaces, cancelling forgets, and next() follows") {
  ports[0]->set({10});
  ports[1]->set({20});
  ports[0]->set({30});
  CHECK(alarms.next() == VirtualNs{20});
  ports[1]->cancel();
  CHECK(alarms.next() == VirtualNs{30});
  ports[0]->cancel();
  CHECK(alarms.next() == ns_never);
  CHECK(alarms.fire_due({100}) == 0);
}

TEST_CASE_FIXTURE(Fixture, "an alarm that sets itself into the past rings once per call") {
  bells[0].ring = [this] {
    rung.push_back(0);
    ports[0]->set({0});
  };
  ports[0]->set({5});
  CHECK(alarms.fire_due({5}) == 1);
  CHECK(alarms.next() == VirtualNs{0});
  CHECK(alarms.fire_due({5}) == 1);
  CHECK(rung == std::vector<unsigned>{0, 0});
}

TEST_CASE_FIXTURE(Fixture, "a handler may make another alarm due at once, or cancel one that was about to ring") {
  bells[1].ring = [this] {
    rung.push_back(1);
    ports[0]->set({3});
    ports[2]->cancel();
  };
  ports[1]->set({4});
  ports[2]->set({4});
  CHECK(alarms.fire_due({4}) == 2);
  CHECK(rung == std::vector<unsigned>{1, 0});
}

TEST_CASE_FIXTURE(Fixture, "deadlines survive save and load under their names") {
  ports[1]->set({77});
  const auto saved = save_state(alarms);
  Fixture other;
  other.ports[0]->set({5});
  REQUIRE(load_state(other.alarms, saved).ok());
  CHECK(other.alarms.next() == VirtualNs{77});
  CHECK(other.alarms.fire_due({77}) == 1);
  CHECK(other.rung == std::vector<unsigned>{1});
}
