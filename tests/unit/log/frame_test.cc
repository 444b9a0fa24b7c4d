// Frames: whole, cut, changed.
#include "sync/log/frame.h"

#include "tests/unit/log/sample_log.h"

namespace lockstitch::test {

using namespace sync;

TEST_CASE("frames come back one after the other, and the chain with them") {
  std::vector<std::uint8_t> bytes;
  Chain chain = log_start;
  for (const std::size_t size : {0, 1, 5000}) chain = append_frame(bytes, pattern(size, 3), chain);
  Bytes rest = bytes;
  Chain read_chain = log_start;
  for (const std::size_t size : {0, 1, 5000}) {
    const Frame frame = read_frame(rest, read_chain);
    REQUIRE(frame.fault == FrameFault::none);
    CHECK(std::vector<std::uint8_t>(frame.payload.begin(), frame.payload.end()) == pattern(size, 3));
    rest = rest.subspan(frame.bytes);
    read_chain = frame.after;
  }
  CHECK(read_frame(rest, read_chain).fault == FrameFault::end);
  CHECK(read_chain == chain);
}

TEST_CASE("a frame with any byte changed is damaged, wherever the byte is") {
  std::vector<std::uint8_t> bytes;
  append_frame(bytes, pattern(100, 1), log_start);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned bit : {1u, 0x80u}) {
      bytes[i] ^= static_cast<std::uint8_t>(bit);
      CHECK(read_frame(bytes, log_start).fault == FrameFault::damaged);
      bytes[i] ^= static_cast<std::uint8_t>(bit);
    }
  }
}

TEST_CASE("a frame that ends too early is cut, at every length") {
  std::vector<std::uint8_t> bytes;
  append_frame(bytes, pattern(100, 1), log_start);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    CHECK(read_frame(Bytes(bytes).first(size), log_start).fault == FrameFault::cut);
  }
}

TEST_CASE("a frame of another log is damaged: the chain before it is another") {
  std::vector<std::uint8_t> bytes;
  append_frame(bytes, pattern(100, 1), log_start);
  CHECK(read_frame(bytes, {1, 2}).fault == FrameFault::damaged);
}

}  // namespace lockstitch::test
