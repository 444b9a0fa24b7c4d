// What a person writes behind --vnc.
#include "vmm/world/vnc_place.h"

#include <doctest/doctest.h>

namespace lockstitch::world {

TEST_CASE("a small number is a display, a large one is a port") {
  const auto display = parse_vnc_place(":1");
  REQUIRE(display.ok());
  CHECK(display.value().address == "127.0.0.1");
  CHECK(display.value().port == 5901);
  CHECK(display.value().loopback);
  CHECK(parse_vnc_place("localhost:0").value().port == 5900);
  CHECK(parse_vnc_place("127.0.0.1:99").value().port == 5999);
  CHECK(parse_vnc_place("127.0.0.1:5900").value().port == 5900);
  CHECK(parse_vnc_place(":65535").value().port == 65535);
}

TEST_CASE("an address that other hosts reach is known as one") {
  CHECK_FALSE(parse_vnc_place("0.0.0.0:1").value().loopback);
  CHECK_FALSE(parse_vnc_place("192.168.1.2:5900").value().loopback);
  CHECK(parse_vnc_place("127.3.2.1:1").value().loopback);
  CHECK(parse_vnc_place("[::1]:1").value().loopback);
  CHECK(parse_vnc_place("[::1]:1").value().address == "::1");
  CHECK_FALSE(parse_vnc_place("[::]:1").value().loopback);
}

TEST_CASE("anything else is refused with a sentence") {
  for (const char* text : {"", "5900", "x:1", "127.0.0.1:", "127.0.0.1:x", ":65536", ":-1", "::1:5900", "[::1:1",
                           "[x]:1", "1.2.3.4.5:1", ":1 "}) {
    CAPTURE(text);
    const auto place = parse_vnc_place(text);
    REQUIRE_FALSE(place.ok());
    CHECK(place.error().code == ExitCode::usage);
    CHECK(place.error().text.find(":1") != std::string::npos);
  }
}

}  // namespace lockstitch::world
