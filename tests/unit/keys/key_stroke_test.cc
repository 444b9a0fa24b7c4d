// Claims about chords and typed text.
#include "vmm/world/keys/key_stroke.h"

#include <doctest/doctest.h>

#include <string>

#include "devices/input/scan_codes.h"
#include "vmm/world/keys/us_layout.h"

using namespace lockstitch;
using namespace lockstitch::world;

namespace {
/// "+29 +56 -56 -29"
std::string units(const std::vector<std::uint8_t>& payload) {
  std::string text;
  CHECK(payload.size() % 2 == 0);
  for (std::size_t i = 0; i + 1 < payload.size(); i += 2) {
    const int unit = payload[i] | payload[i + 1] << 8;
    if (!text.empty()) text += ' ';
    text += (unit & 0x8000 ? "-" : "+") + std::to_string(unit & 0x7fff);
  }
  return text;
}
std::string chord(const char* text) {
  const auto payload = press_chord(text);
  return payload ? units(payload.value()) : "error: " + payload.error().text;
}
std::string typed(const std::string& text) {
  const auto payload = type_text(text);
  return payload ? units(payload.value()) : "error: " + payload.error().text;
}
bool says(const std::string& text, const char* part) {
  return text.starts_with("error: ") && text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("a chord is pressed in order and released in the opposite order") {
  CHECK(chord("ctrl-alt-delete") == "+29 +56 +111 -111 -56 -29");
  CHECK(chord("Alt+F4") == "+56 +62 -62 -56");
  CHECK(chord("ret") == "+28 -28");
  CHECK(chord("shift_r-f24") == "+54 +194 -194 -54");
}

TEST_CASE("a wrong chord is refused with the cure") {
  CHECK(says(chord("ctrl-alt-delet"), "did you mean 'delete'?"));
  CHECK(says(chord("ctrl-%"), "`type`"));
  CHECK(says(chord("wobble"), "keys are called"));
  CHECK(says(chord(""), "No key is named"));
  CHECK(says(chord("ctrl--"), "minus"));
  CHECK(says(chord("-a"), "missing"));
  CHECK(says(chord("a-b-a"), "twice"));
  CHECK(says(chord("ctrl-leftctrl"), "twice"));
  CHECK(says(chord("a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q"), "at most 16"));
  CHECK(press_chord("wobble").error().code == ExitCode::usage);
}

TEST_CASE("text is typed with Shift held over neighbouring capitals") {
  CHECK(typed("a") == "+30 -30");
  CHECK(typed("Ab") == "+42 +30 -30 -42 +48 -48");
  CHECK(typed("AB!") == "+42 +30 -30 +48 -48 +2 -2 -42");
  CHECK(typed("\t \n") == "+15 -15 +57 -57 +28 -28");
  CHECK(typed("a\r\nb\r\rc\n\n") == "+30 -30 +28 -28 +48 -48 +28 -28 +28 -28 +46 -46 +28 -28 +28 -28");
  CHECK(typed("").empty());
}

TEST_CASE("every printable character of ASCII is on the keyboard, on a stroke of its own") {
  std::string seen;
  for (char32_t c = 0x20; c < 0x7f; ++c) {
    CAPTURE(static_cast<int>(c));
    const auto stroke = stroke_for(c);
    REQUIRE(stroke);
    CHECK(has_scan_code(stroke->key));
    const std::string mark = "<" + std::to_string(stroke->key) + (stroke->shift ? "s>" : ">");
    CHECK(seen.find(mark) == std::string::npos);
    seen += mark;
  }
  const auto is = [](char32_t c, int key, bool shift) {
    const auto stroke = stroke_for(c);
    return stroke && stroke->key == key && stroke->shift == shift;
  };
  CHECK(is(U'@', 3, true));
  CHECK(is(U'_', 12, true));
  CHECK(is(U'|', 43, true));
  CHECK(is(U'~', 41, true));
  CHECK(is(U'"', 40, true));
  CHECK(is(U'?', 53, true));
  CHECK(is(U'\\', 43, false));
  CHECK(is(U'`', 41, false));
}

TEST_CASE("what is not on a US keyboard is refused and shown") {
  CHECK(says(typed("stra\xc3\x9f"
                   "e"),
             "'\xc3\x9f' (U+00DF)"));
  CHECK(says(typed("\xf0\x9f\x98\x80"), "U+01F600"));
  CHECK(says(typed(std::string("\x01")), "(U+0001)"));
  CHECK(says(typed(std::string("a\0b", 3)), "(U+0000)"));
  CHECK(says(typed("ab\xff"), "byte 2"));
  CHECK(says(typed("ab\xc3"), "byte 2"));
  CHECK(says(typed("\xc0\x80"), "byte 0"));
}

TEST_CASE("a text longer than the keyboard keeps is refused, one that just fits is not") {
  CHECK(type_text(std::string(511, 'a')).ok());
  CHECK(type_text(std::string(510, 'A')).ok());
  CHECK(type_text(std::string(510, 'A')).value().size() / 2 <= typed_max_units);
  CHECK(says(typed(std::string(512, 'a')), "too long"));
  CHECK(says(typed(std::string(1'000'000, 'a')), "too long"));
}
