// The log on its way to the follower: as it was, smaller, message by message.
#include "sync/peer/log_packer.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

using namespace lockstitch;
using namespace lockstitch::sync;

namespace {

std::uint64_t seed() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : std::random_device{}();
}

using Data = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("every message comes out as it went in, without the next one") {
  const std::uint64_t random_seed = seed();
  INFO("LOCKSTITCH_SEED=", random_seed);
  std::mt19937_64 random(random_seed);
  LogPacker packer;
  LogUnpacker unpacker;
  for (int follower = 0; follower < 3; ++follower) {
    packer.begin();
    unpacker.begin();
    for (int message = 0; message < 300; ++message) {
      Data batch(random() % 20 == 0 ? random() % 2'000'000 : random() % 300);
      const bool noise = random() % 2;
      for (auto& byte : batch) byte = static_cast<std::uint8_t>(noise ? random() : random() % 3);
      const auto unpacked = unpacker.unpack(packer.pack(batch));
      REQUIRE(unpacked.ok());
      REQUIRE(unpacked.value() == batch);
    }
  }
}

TEST_CASE("messages that resemble each other take little") {
  LogPacker packer;
  Data frame(150, 0x5a);
  for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(i * 37);
  std::size_t bytes = 0;
  for (std::uint8_t n = 0; n < 100; ++n) {
    frame[40] = n;
    bytes += packer.pack(frame).size();
  }
  CHECK(bytes < 100 * 60);
}

TEST_CASE("what does not continue the stream, or is too long, is an error") {
  LogPacker packer;
  const Data first = packer.pack(Data(1000, 1)), second = packer.pack(Data(1000, 2));
  LogUnpacker late;
  CHECK(!late.unpack(second).ok());
  LogUnpacker strict;
  CHECK(!strict.unpack(first, 999).ok());
  LogUnpacker exact;
  CHECK(exact.unpack(first, 1001).ok());
  CHECK(!exact.unpack(Data(50, 0xff)).ok());
}
