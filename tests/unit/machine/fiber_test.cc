// Claims about fibers.
#include "vmm/machine/fiber.h"

#include <doctest/doctest.h>

using lockstitch::Fiber;

TEST_CASE("messages pass both ways and the body keeps its locals") {
  Fiber fiber([](Fiber& self, void* message) {
    int sum = 0;
    while (message != nullptr) {
      sum += *static_cast<int*>(message);
      message = self.suspend(&sum);
    }
  });
  for (int i = 1; i <= 1000; ++i) CHECK(*static_cast<int*>(fiber.resume(&i)) == i * (i + 1) / 2);
  CHECK(!fiber.ended());
  CHECK(fiber.resume(nullptr) == nullptr);
  CHECK(fiber.ended());
}

TEST_CASE("a fiber that never ran is destroyed without running") {
  bool ran = false;
  {
    const Fiber fiber([&](Fiber&, void*) { ran = true; });
  }
  CHECK(!ran);
}

TEST_CASE("a suspended body is unwound when its fiber is destroyed") {
  int destroyed = 0;
  struct Counts {
    int& count;
    ~Counts() { ++count; }
  };
  {
    Fiber fiber([&](Fiber& self, void*) {
      const Counts outer{destroyed};
      [&] {
        const Counts inner{destroyed};
        self.suspend(nullptr);
        destroyed += 100;
      }();
    });
    fiber.resume(nullptr);
    CHECK(destroyed == 0);
  }
  CHECK(destroyed == 2);
}

TEST_CASE("a fiber may be resumed from another fiber") {
  Fiber inner([](Fiber& self, void* message) {
    for (;;) {
      *static_cast<int*>(message) += 1;
      message = self.suspend(message);
    }
  });
  Fiber outer([&](Fiber& self, void* message) {
    for (;;) {
      inner.resume(message);
      inner.resume(message);
      message = self.suspend(message);
    }
  });
  int value = 0;
  for (int i = 0; i < 10; ++i) outer.resume(&value);
  CHECK(value == 20);
}

TEST_CASE("exceptions inside the body are caught inside the body") {
  Fiber fiber([](Fiber& self, void*) {
    int caught = 0;
    for (;;) {
      try {
        throw 5;
      } catch (int value) {
        caught += value;
      }
      self.suspend(&caught);
    }
  });
  CHECK(*static_cast<int*>(fiber.resume(nullptr)) == 5);
  CHECK(*static_cast<int*>(fiber.resume(nullptr)) == 10);
}
