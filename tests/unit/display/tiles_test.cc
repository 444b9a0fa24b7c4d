// Which rectangles are sent when a picture changes.
#include "vmm/world/tiles.h"

#include <doctest/doctest.h>

#include "tests/contract/support/random.h"
#include "tests/unit/display/painted_screen.h"

namespace lockstitch::world {

using test::picture_of;
using Parts = std::vector<Rectangle>;

TEST_CASE("equal pictures have no changed part") {
  CHECK(changed_parts(picture_of(640, 480, 7), picture_of(640, 480, 7)).empty());
  CHECK(changed_parts(Picture{}, Picture{}).empty());
}

TEST_CASE("one pixel changes its tile, which ends where the picture does") {
  const Picture before = picture_of(720, 400, 0);
  Picture after = before;
  after.pixels[0] = 1;
  CHECK(changed_parts(before, after) == Parts{{0, 0, 64, 64}});
  after = before;
  after.pixels.back() = 1;
  CHECK(changed_parts(before, after) == Parts{{704, 384, 720, 400}});
}

TEST_CASE("tiles side by side are one part, others are several") {
  const Picture before = picture_of(256, 128, 0);
  Picture after = before;
  after.pixels[0] = after.pixels[64] = after.pixels[192] = 1;
  after.pixels[64 * 256] = 1;
  CHECK(changed_parts(before, after) == Parts{{0, 0, 128, 64}, {192, 0, 256, 64}, {0, 64, 64, 128}});
}

TEST_CASE("a picture of another size has changed everywhere") {
  CHECK(changed_parts(picture_of(640, 480, 0), picture_of(800, 600, 0)) == Parts{{0, 0, 800, 600}});
  CHECK(changed_parts(picture_of(640, 480, 0), Picture{}).empty());
}

TEST_CASE("whatever changes, copying the changed parts makes the pictures equal") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  test::Random random(seed);
  for (unsigned round = 0; round < 50; ++round) {
    const auto width = static_cast<unsigned>(1 + random.below(300)),
               height = static_cast<unsigned>(1 + random.below(200));
    Picture before = picture_of(width, height, 5), after = before;
    for (std::uint64_t i = random.below(8); i > 0; --i) after.pixels[random.below(after.pixels.size())] = 6;
    for (const Rectangle& part : changed_parts(before, after)) {
      REQUIRE(part.right <= width);
      REQUIRE(part.bottom <= height);
      for (unsigned y = part.top; y < part.bottom; ++y) {
        for (unsigned x = part.left; x < part.right; ++x) before.pixels[y * width + x] = after.pixels[y * width + x];
      }
    }
    CHECK(before.pixels == after.pixels);
  }
}

}  // namespace lockstitch::world
