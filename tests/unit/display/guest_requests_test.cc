// What a guest answers to those who look at it and touch it.
#include "vmm/app/guest_requests.h"

#include <doctest/doctest.h>

#include "tests/unit/display/painted_screen.h"
#include "tests/unit/world/temporary_folder.h"
#include "vmm/world/control_socket.h"

namespace lockstitch::app {

namespace {

constexpr PortId keyboard{7}, mouse{8}, cdrom{9}, tablet{10};
using Payload = std::vector<std::uint8_t>;

struct Desk {
  test::PaintedScreen screen;
  world::Inbox inbox;
  GuestRequests requests{{&screen, keyboard, mouse, tablet, cdrom}, inbox};

  std::string ask(std::string_view line) { return requests.answer_to(line); }
  Payload sent(PortId port) {
    const auto message = inbox.pop();
    REQUIRE(message);
    CHECK(message->port == port);
    return message->payload;
  }
};

bool is_error(const std::string& answer) { return answer.starts_with("error ") && answer.size() > 10; }

}  // namespace

TEST_CASE("a text screen is told as text, a picture by its size") {
  Desk desk;
  desk.screen.shown_text = test::text_screen(20, 3, {"C:\\>dir", "", "\x01"});
  CHECK(desk.ask("screen") == "ok C:\\\\>dir\\n\\n\u263a\\n");
  CHECK(world::from_line(desk.ask("screen").substr(3)) == "C:\\>dir\n\n\u263a\n");
  desk.screen.shown_text = test::text_screen(20, 3, {});
  CHECK(desk.ask("screen") == "ok");
  desk.screen.shown_text.reset();
  desk.screen.picture = test::picture_of(1024, 768, 0);
  CHECK(desk.ask("screen") == "graphics 1024 768");
}

TEST_CASE("a screenshot goes to an absolute path, whatever is in its name") {
  Desk desk;
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a b\n\\n.png");
  CHECK(desk.ask("screenshot " + world::to_line(path)) == "ok");
  CHECK(folder.contents("a b\n\\n.png").size() > 8);
  CHECK(is_error(desk.ask("screenshot a.png")));
  CHECK(is_error(desk.ask("screenshot ")));
  CHECK(is_error(desk.ask("screenshot /nowhere/at/all.png")));
}

TEST_CASE("keys that are typed and pressed reach the keyboard") {
  Desk desk;
  CHECK(desk.ask("type a\\n") == "ok");
  CHECK(desk.sent(keyboard) == Payload{30, 0, 30, 0x80, 28, 0, 28, 0x80});
  CHECK(desk.ask("press ctrl-alt-delete") == "ok");
  const Payload chord = desk.sent(keyboard);
  CHECK(chord.size() == 12);
  CHECK(chord[1] == 0);
  CHECK(chord[11] == 0x80);
  CHECK(is_error(desk.ask("press no-such-key")));
  CHECK(desk.inbox.empty());
}

TEST_CASE("a long text goes in pieces that a message can hold") {
  Desk desk;
  const std::size_t letters = GuestRequests::piece_max_bytes / 4 + 100;
  CHECK(desk.ask("type " + std::string(letters, 'a')) == "ok");
  std::size_t bytes = 0, pieces = 0;
  while (!desk.inbox.empty()) {
    const Payload piece = desk.sent(keyboard);
    CHECK(piece.size() <= GuestRequests::piece_max_bytes);
    CHECK(piece.size() % 2 == 0);
    bytes += piece.size();
    ++pieces;
  }
  CHECK(bytes == 4 * letters);
  CHECK(pieces == 2);
}

TEST_CASE("the mouse takes movements, buttons and the wheel") {
  Desk desk;
  CHECK(desk.ask("mouse 3 -2 1") == "ok");
  CHECK(desk.sent(mouse) == Payload{3, 0, 0xfe, 0xff, 0, 1});
  CHECK(desk.ask("mouse 0 0 0 -1") == "ok");
  CHECK(desk.sent(mouse) == Payload{0, 0, 0, 0, 0xff, 0});
  CHECK(desk.ask("mouse 100000 -100000 7 1000") == "ok");
  CHECK(desk.sent(mouse) == Payload{0xff, 0x7f, 0, 0x80, 127, 7});
  for (const char* line : {"mouse", "mouse 1", "mouse 1 2", "mouse 1 2 8", "mouse 1 2 -1", "mouse x 2 0",
                           "mouse 1 2 0 x", "mouse 1 2 0 0 0", "mouse 99999999999 0 0"}) {
    CAPTURE(line);
    CHECK(is_error(desk.ask(line)));
  }
  CHECK(desk.inbox.empty());
}

TEST_CASE("the tablet takes places inside the screen, buttons and the wheel") {
  Desk desk;
  CHECK(desk.ask("point 32767 258 1") == "ok");
  CHECK(desk.sent(tablet) == Payload{0xff, 0x7f, 2, 1, 1, 0});
  CHECK(desk.ask("point 0 0 0 -1") == "ok");
  CHECK(desk.sent(tablet) == Payload{0, 0, 0, 0, 0, 0xff});
  for (const char* line :
       {"point", "point 1", "point 1 2", "point 1 2 8", "point -1 2 0", "point 1 32768 0", "point x 2 0"}) {
    CAPTURE(line);
    CHECK(is_error(desk.ask(line)));
  }
  CHECK(desk.inbox.empty());
}

TEST_CASE("a medium is ejected, and inserted by its number") {
  Desk desk;
  CHECK(desk.ask("eject") == "ok");
  CHECK(desk.sent(cdrom) == Payload{0xff});
  CHECK(desk.ask("insert 1") == "ok");
  CHECK(desk.sent(cdrom) == Payload{1});
  for (const char* line : {"insert", "insert x", "insert -1", "insert 255", "insert 1 2"})
    CHECK(is_error(desk.ask(line)));
  CHECK(desk.inbox.empty());
}

TEST_CASE("a replay takes no input but is looked at") {
  Desk desk;
  desk.requests.set_closed("a replay takes no input");
  for (const char* line : {"type a", "press enter", "mouse 1 1 0", "eject", "insert 0"}) {
    CHECK(desk.ask(line) == "error a replay takes no input");
  }
  CHECK(desk.inbox.empty());
  CHECK(desk.ask("screen") == "graphics 640 480");
  desk.requests.set_closed("");
  CHECK(desk.ask("eject") == "ok");
}

TEST_CASE("a machine says which part it does not have") {
  world::Inbox inbox;
  GuestRequests requests({}, inbox);
  CHECK(requests.answer_to("screen") == "error this machine has no screen");
  CHECK(requests.answer_to("screenshot /a.png") == "error this machine has no screen");
  CHECK(requests.answer_to("type a") == "error this machine has no keyboard");
  CHECK(requests.answer_to("mouse 1 1 0") == "error this machine has no mouse");
  CHECK(requests.answer_to("eject") == "error this machine has no CD-ROM drive");
  CHECK(is_error(requests.answer_to("checkpoint")));
  CHECK(is_error(requests.answer_to("")));
  CHECK(is_error(requests.answer_to("dance")));
}

TEST_CASE("a checkpoint answers with its tick or with what went wrong, in one line") {
  Desk desk;
  desk.requests.set_checkpoint([] { return Result<Tick>(Tick{42}); });
  CHECK(desk.ask("checkpoint") == "ok 42");
  desk.requests.set_checkpoint([]() -> Result<Tick> { return Error{ExitCode::world, "no\nroom"}; });
  CHECK(desk.ask("checkpoint") == "error no\\nroom");
}

TEST_CASE("input for which the guest has no room is refused") {
  Desk desk;
  while (desk.inbox.try_push({mouse, {}, {}})) {
  }
  CHECK(is_error(desk.ask("press enter")));
  (void)desk.inbox.pop();
  CHECK(desk.ask("press enter") == "ok");
}

}  // namespace lockstitch::app
