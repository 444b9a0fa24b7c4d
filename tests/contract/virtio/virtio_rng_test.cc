// The entropy device and its generator: a function of the seed.
#include "tests/contract/support/state_image.h"
#include "tests/contract/virtio/guest_driver.h"
#include "tests/contract/virtio/virtio_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct RngStand {
  RngRig rig;
  GuestDriver driver{*rig.pci, rig.memory};
  explicit RngStand(std::uint8_t seed = 1) : rig(seed, 0x10000) {}
  std::vector<std::uint8_t> draw(std::uint32_t bytes) {
    const Gpa at = driver.allocate(bytes);
    driver.add(0, {{at, bytes, true}});
    driver.notify(0);
    const auto used = driver.used(0);
    REQUIRE_EQ(used.size(), 1);
    return driver.bytes_at(at, used[0].bytes);
  }
};
std::string hex(Bytes bytes) {
  std::string text;
  for (std::uint8_t b : bytes) {
    text += "0123456789abcdef"[b >> 4];
    text += "0123456789abcdef"[b & 15];
  }
  return text;
}
}  // namespace

TEST_CASE("the key stream is that of RFC 8439 for a zero key") {
  ChachaRandom random(ChachaRandom::Seed{});
  std::array<std::uint8_t, 128> bytes;
  random.fill(bytes);
  // Appendix A.1, test vectors 1 and 2.
  CHECK_EQ(hex(Bytes(bytes).first(64)),
           "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
           "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
  CHECK_EQ(hex(Bytes(bytes).subspan(64)),
           "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
           "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
}

TEST_CASE("the bytes do not depend on how they are asked for") {
  const ChachaRandom::Seed seed{3, 1, 4};
  ChachaRandom whole(seed), parts(seed);
  std::array<std::uint8_t, 300> a, b;
  whole.fill(a);
  std::size_t at = 0;
  for (std::size_t bytes : {1u, 62u, 1u, 1u, 64u, 128u, 43u}) {
    parts.fill(MutableBytes(b).subspan(at, bytes));
    at += bytes;
  }
  REQUIRE_EQ(at, b.size());
  CHECK_EQ(a, b);
}

TEST_CASE("the same seed gives the same bytes, another one others") {
  RngStand a(7), b(7), c(8);
  for (RngStand* s : {&a, &b, &c}) s->driver.start();
  CHECK_EQ(a.rig.pci->read_config(0, 4), 0x1044'1af4);
  const auto first = a.draw(64), again = a.draw(64);
  CHECK_NE(first, again);
  CHECK_EQ(b.draw(64), first);
  CHECK_NE(c.draw(64), first);
}

TEST_CASE("a reset does not rewind the generator") {
  RngStand s;
  s.driver.start();
  const auto before = s.draw(64);
  s.rig.pci->reset();
  s.driver.start();
  CHECK_NE(s.draw(64), before);
}

TEST_CASE("one request gives at most 4 KiB; none is given for a buffer that cannot be written") {
  RngStand s;
  s.driver.start();
  CHECK_EQ(s.draw(5000).size(), 4096);
  s.driver.add(0, {{0x1000, 16}});
  s.driver.notify(0);
  CHECK_EQ(s.driver.used(0)[0].bytes, 0);
}
