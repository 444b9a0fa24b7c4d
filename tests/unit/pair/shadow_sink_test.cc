// Effects of a follower: none is missing after a take-over, and of those that have left none is needed.
#include "vmm/app/shadow_sink.h"

#include <doctest/doctest.h>

#include <string>

namespace lockstitch::app {
namespace {

struct Seen final : Sink {
  void effect(const Effect& effect) override {
    text += std::to_string(effect.tick.value) + ":" + std::to_string(effect.port.value) + "." +
            std::to_string(effect.ordinal) + "=" + std::string(effect.payload.begin(), effect.payload.end()) + " ";
  }
  void digest(Tick, const Digest&) override { text += "digest "; }
  std::string text;
};

void give(ShadowSink& shadow, std::uint64_t tick, std::uint16_t port, std::uint64_t ordinal, const std::string& text) {
  // An effect's payload is the caller's again after the call.
  std::vector<std::uint8_t> payload(text.begin(), text.end());
  shadow.effect({{tick}, PortId{port}, ordinal, payload});
  payload.assign(payload.size(), '!');
}

TEST_CASE("what the leader has not reported as sent is emitted, in order, as it was, once") {
  ShadowSink shadow;
  give(shadow, 10, 1, 0, "a");
  give(shadow, 10, 2, 0, "b");
  give(shadow, 11, 1, 1, "c");
  give(shadow, 12, 1, 2, "");
  shadow.digest({12}, {1, 2});
  Seen seen;
  SUBCASE("nothing was reported") {
    CHECK(shadow.emit(seen) == 4);
    CHECK(seen.text == "10:1.0=a 10:2.0=b 11:1.1=c 12:1.2= ");
  }
  SUBCASE("of the tick itself nothing is known") {
    shadow.forget_before({10});
    CHECK(shadow.emit(seen) == 4);
  }
  SUBCASE("what is reported is forgotten, all of a tick") {
    shadow.forget_before({11});
    CHECK(shadow.emit(seen) == 2);
    CHECK(seen.text == "11:1.1=c 12:1.2= ");
  }
  SUBCASE("a report that is older than another changes nothing") {
    shadow.forget_before({12});
    shadow.forget_before({3});
    CHECK(shadow.emit(seen) == 1);
  }
  SUBCASE("everything was sent") {
    shadow.forget_before(tick_never);
    CHECK(shadow.emit(seen) == 0);
    CHECK(seen.text.empty());
  }
  Seen again;
  CHECK(shadow.emit(again) == 0);
  give(shadow, 20, 1, 3, "d");
  CHECK(shadow.emit(again) == 1);
  CHECK(again.text == "20:1.3=d ");
}

}  // namespace
}  // namespace lockstitch::app
