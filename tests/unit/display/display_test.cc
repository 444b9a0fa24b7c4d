// What the core pays for viewers, and what they get.
#include "vmm/world/display.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/unit/display/painted_screen.h"

namespace lockstitch::world {

using test::picture_of;

TEST_CASE("nothing is wanted of the core until a viewer asks, and then one picture") {
  Inbox inbox;
  Display display(inbox);
  CHECK_FALSE(display.wanted());
  display.want();
  display.want();
  CHECK(display.wanted());
  display.show(test::PaintedScreen());
  CHECK_FALSE(display.wanted());
}

TEST_CASE("a core that waits for the guest's next event is woken by a viewer that asks") {
  Inbox inbox;
  SteadyHostClock clock;
  Display display(inbox);
  std::atomic<bool> deadline{true};
  std::thread core([&] { deadline = inbox.wait_until(clock, clock.now() + 60'000'000'000); });
  display.want();
  core.join();
  CHECK_FALSE(deadline);
  CHECK(inbox.empty());
}

TEST_CASE("each viewer gets each picture once, and the newest if it missed some") {
  Inbox inbox;
  Display display(inbox);
  Picture first, second;
  std::uint64_t seen_by_first = 0, seen_by_second = 0;
  CHECK_FALSE(display.take(first, seen_by_first));
  test::PaintedScreen screen;
  screen.picture = picture_of(8, 2, 0x112233);
  display.show(screen);
  REQUIRE(display.take(first, seen_by_first));
  CHECK(seen_by_first == 1);
  CHECK(first.pixels == screen.picture.pixels);
  CHECK_FALSE(display.take(first, seen_by_first));
  screen.picture = picture_of(4, 4, 0x445566);
  display.show(screen);
  screen.picture = picture_of(2, 8, 0x778899);
  display.show(screen);
  for (auto [picture, seen] : {std::pair(&first, &seen_by_first), std::pair(&second, &seen_by_second)}) {
    REQUIRE(display.take(*picture, *seen));
    CHECK(*seen == 3);
    CHECK(picture->width == 2);
    CHECK(picture->height == 8);
    CHECK(picture->pixels == screen.picture.pixels);
  }
}

TEST_CASE("viewers on other threads see whole pictures only, never an older one after a newer one") {
  Inbox inbox;
  Display display(inbox);
  std::atomic<bool> over{false};
  std::atomic<unsigned> torn{0}, back{0};
  const auto look = [&] {
    Picture picture;
    std::uint64_t seen = 0;
    std::uint32_t last = 0;
    while (!over) {
      display.want();
      if (!display.take(picture, seen)) {
        std::this_thread::yield();
        continue;
      }
      const std::uint32_t colour = picture.pixels[0];
      for (const std::uint32_t pixel : picture.pixels) torn += pixel != colour;
      back += colour < last;
      last = colour;
    }
  };
  std::thread one(look), two(look);
  test::PaintedScreen screen;
  for (std::uint32_t shown = 1; shown <= 300;) {
    if (!display.wanted()) {
      std::this_thread::yield();
      continue;
    }
    screen.picture = picture_of(1 + shown % 50, 40, shown);
    display.show(screen);
    ++shown;
  }
  over = true;
  one.join();
  two.join();
  CHECK(torn == 0);
  CHECK(back == 0);
}

}  // namespace lockstitch::world
