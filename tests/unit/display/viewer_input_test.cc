// Keys and mouse of viewers as they reach the guest. Key codes: Return is 28, Shift 42, A 30.
#include "vmm/world/viewer_input.h"

#include <doctest/doctest.h>

#include <vector>

namespace lockstitch::world {

namespace {

constexpr PortId keyboard{7}, mouse{8};
constexpr std::uint32_t return_key = 0xff0d, shift = 0xffe1;
using Payload = std::vector<std::uint8_t>;

struct Desk {
  Inbox inbox;
  ViewerInput input{inbox, keyboard, mouse, std::nullopt};
  HeldKeys held;

  Payload next(PortId port) {
    input.flush();
    auto message = inbox.pop();
    REQUIRE(message);
    CHECK(message->port == port);
    return message->payload;
  }
  bool silent() {
    input.flush();
    return inbox.empty();
  }
};

}  // namespace

TEST_CASE("a key of a viewer is pressed and released in the guest") {
  Desk desk;
  desk.input.key(desk.held, return_key, true);
  CHECK(desk.next(keyboard) == Payload{28, 0});
  desk.input.key(desk.held, return_key, false);
  CHECK(desk.next(keyboard) == Payload{28, 0x80});
  CHECK(desk.silent());
}

TEST_CASE("a keysym without a key and the release of a key that is not held are ignored") {
  Desk desk;
  desk.input.key(desk.held, 0x0fff'ffff, true);
  desk.input.key(desk.held, return_key, false);
  CHECK(desk.silent());
}

TEST_CASE("a viewer that goes away lets go of its keys") {
  Desk desk;
  desk.input.key(desk.held, shift, true);
  desk.input.key(desk.held, 'a', true);
  desk.input.release(desk.held);
  CHECK(desk.next(keyboard) == Payload{42, 0});
  CHECK(desk.next(keyboard) == Payload{30, 0});
  CHECK(desk.next(keyboard) == Payload{30, 0x80});
  CHECK(desk.next(keyboard) == Payload{42, 0x80});
  CHECK(desk.silent());
}

TEST_CASE("the first position of a pointer moves nothing, later ones move by the difference") {
  Desk desk;
  desk.input.pointer(100, 100, 0, 640, 480);
  CHECK(desk.silent());
  desk.input.pointer(110, 95, 0, 640, 480);
  desk.input.pointer(111, 95, 0, 640, 480);
  CHECK(desk.next(mouse) == Payload{11, 0, 0xfb, 0xff, 0, 0});
  CHECK(desk.silent());
}

TEST_CASE("buttons are those of the guest's mouse, and movements before a click stay before it") {
  Desk desk;
  desk.input.pointer(100, 100, 0, 640, 480);
  desk.input.pointer(102, 100, 1, 640, 480);
  CHECK(desk.next(mouse) == Payload{2, 0, 0, 0, 0, 0});
  CHECK(desk.next(mouse) == Payload{0, 0, 0, 0, 0, 1});
  desk.input.pointer(102, 100, 1 | 4, 640, 480);  // right
  CHECK(desk.next(mouse) == Payload{0, 0, 0, 0, 0, 3});
  desk.input.pointer(102, 100, 2, 640, 480);  // middle
  CHECK(desk.next(mouse) == Payload{0, 0, 0, 0, 0, 4});
  desk.input.pointer(104, 100, 2, 640, 480);
  CHECK(desk.next(mouse) == Payload{2, 0, 0, 0, 0, 4});
  desk.input.pointer(104, 100, 0, 640, 480);
  CHECK(desk.next(mouse) == Payload{0, 0, 0, 0, 0, 0});
  CHECK(desk.silent());
}

TEST_CASE("the wheel turns once for each press of its button") {
  Desk desk;
  desk.input.pointer(9, 9, 0, 640, 480);
  desk.input.pointer(9, 9, 8, 640, 480);
  CHECK(desk.next(mouse) == Payload{0, 0, 0, 0, 0xff, 0});
  desk.input.pointer(9, 9, 0, 640, 480);
  CHECK(desk.silent());
  desk.input.pointer(9, 9, 16, 640, 480);
  CHECK(desk.next(mouse) == Payload{0, 0, 0, 0, 1, 0});
}

TEST_CASE("a pointer that is driven to an edge drives the guest's there wherever it was") {
  Desk desk;
  desk.input.pointer(10, 100, 0, 640, 480);
  desk.input.pointer(0, 100, 0, 640, 480);
  const int dx = -10 - 640;
  CHECK(desk.next(mouse) == Payload{std::uint8_t(dx), std::uint8_t(dx >> 8), 0, 0, 0, 0});
  desk.input.pointer(0, 100, 0, 640, 480);
  CHECK(desk.silent());
  desk.input.pointer(9999, 479, 0, 640, 480);
  CHECK(desk.next(mouse) == Payload{std::uint8_t(1279 & 255), 1279 >> 8, std::uint8_t(859 & 255), 859 >> 8, 0, 0});
}

TEST_CASE("a guest that takes nothing loses movements before clicks, and the newest first") {
  Desk desk;
  while (desk.inbox.try_push({mouse, {}, {}})) {
  }
  desk.input.pointer(300, 300, 0, 640, 480);
  for (unsigned i = 0; i < ViewerInput::max_waiting; ++i) {
    desk.input.pointer(300 + (i & 1 ? 0 : 1), 300, 0, 640, 480);
    desk.input.flush();
  }
  desk.input.key(desk.held, return_key, true);  // presses give way as movements do
  desk.input.pointer(300, 300, 1, 640, 480);
  CHECK(desk.input.waits());
  while (desk.inbox.pop()) {
  }
  desk.input.flush();
  CHECK_FALSE(desk.input.waits());
  std::vector<Message> got;
  while (auto message = desk.inbox.pop()) got.push_back(std::move(*message));
  CHECK(got.size() == ViewerInput::max_waiting / 2 + 1);
  CHECK(got.back().payload == Payload{0, 0, 0, 0, 0, 1});
}

TEST_CASE("a tablet is told where the pointer is, from edge to edge, and each click where it happens") {
  Inbox inbox;
  constexpr PortId tablet{9};
  ViewerInput input(inbox, keyboard, mouse, tablet);
  const auto next = [&] {
    input.flush();
    const auto message = inbox.pop();
    REQUIRE(message);
    CHECK(message->port == tablet);
    return message->payload;
  };
  input.pointer(0, 0, 0, 640, 480);
  CHECK(next() == Payload{0, 0, 0, 0, 0, 0});
  input.pointer(100, 479, 0, 640, 480);
  input.pointer(639, 479, 0, 640, 480);  // only where it ended
  CHECK(next() == Payload{0xff, 0x7f, 0xff, 0x7f, 0, 0});
  input.pointer(639, 479, 0, 640, 480);
  input.flush();
  CHECK(inbox.empty());
  input.pointer(0, 479, 1, 640, 480);  // there first, then pressed
  CHECK(next() == Payload{0, 0, 0xff, 0x7f, 0, 0});
  CHECK(next() == Payload{0, 0, 0xff, 0x7f, 1, 0});
  input.pointer(0, 479, 1 | 16, 640, 480);
  CHECK(next() == Payload{0, 0, 0xff, 0x7f, 1, 1});
  input.pointer(0, 479, 1, 320, 480);  // the screen has another mode
  CHECK(next() == Payload{0, 0, 0xff, 0x7f, 1, 0});
}

TEST_CASE("without a keyboard and a mouse nothing is sent") {
  Inbox inbox;
  ViewerInput input(inbox, std::nullopt, std::nullopt, std::nullopt);
  HeldKeys held;
  input.key(held, return_key, true);
  input.pointer(1, 1, 0, 640, 480);
  input.pointer(2, 2, 1, 640, 480);
  input.release(held);
  input.flush();
  CHECK(inbox.empty());
}

}  // namespace lockstitch::world
