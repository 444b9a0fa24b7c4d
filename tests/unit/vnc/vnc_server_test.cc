// Viewers see what the guest's screen shows and reach its keyboard and mouse; what they do wrong harms only themselves.
#include "vmm/world/vnc_server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/display/painted_screen.h"
#include "tests/unit/vnc/rfb_client.h"
#include "tests/unit/world/temporary_folder.h"

namespace lockstitch::world {

namespace {

using test::picture_of;
using test::RfbClient;
using Payload = std::vector<std::uint8_t>;

constexpr PortId keyboard{7}, mouse{8};

/// A server, and a thread that is the core of a guest which does nothing but show a picture.
class Desk {
 public:
  explicit Desk(const std::string& password = "") {
    options_.place.address = "127.0.0.1";
    options_.place.port = 0;
    options_.password = password;
    options_.keyboard = keyboard;
    options_.mouse = mouse;
    auto opened = VncServer::open(options_, display, inbox);
    if (!opened.ok()) {
      MESSAGE("no loopback: " << opened.error().text);
      return;
    }
    server = std::move(opened).value();
    core_ = std::thread([this] { run(); });
  }
  ~Desk() {
    over_ = true;
    inbox.nudge();
    if (core_.joinable()) core_.join();
  }

  void show(Picture picture) {
    std::lock_guard lock(mutex_);
    screen_.picture = std::move(picture);
  }
  unsigned drawn() {
    std::lock_guard lock(mutex_);
    return screen_.drawn;
  }
  /// The next arrival.
  Message arrival() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      {
        std::lock_guard lock(mutex_);
        if (!arrivals_.empty()) {
          Message first = std::move(arrivals_.front());
          arrivals_.pop_front();
          return first;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL("nothing arrived");
    return {};
  }

  Inbox inbox;
  Display display{inbox};
  std::unique_ptr<VncServer> server;

 private:
  void run() {
    while (!over_) {
      {
        std::lock_guard lock(mutex_);
        if (display.wanted()) display.show(screen_);
        while (auto message = inbox.pop()) arrivals_.push_back(std::move(*message));
      }
      if (!over_) inbox.wait_until(clock_, host_never);
    }
  }

  VncOptions options_;
  SteadyHostClock clock_;
  std::mutex mutex_;
  test::PaintedScreen screen_;
  std::deque<Message> arrivals_;
  std::atomic<bool> over_{false};
  std::thread core_;
};

/// Asks for changes until the picture is what is expected.
bool sees(RfbClient& viewer, const Picture& expected) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (viewer.picture.width == expected.width && viewer.picture.height == expected.height &&
        viewer.picture.pixels == expected.pixels) {
      return true;
    }
    if (!viewer.update(true)) return false;
  }
  return false;
}

std::optional<RfbClient> viewer_of(const Desk& desk) {
  auto viewer = RfbClient::connect(desk.server->port());
  REQUIRE(viewer);
  REQUIRE(viewer->shake_hands());
  return viewer;
}

}  // namespace

TEST_CASE("the first viewer is greeted with the size and the picture of now") {
  Desk desk;
  if (!desk.server) return;
  Picture picture = picture_of(720, 400, 0x123456);
  picture.pixels[5] = 0xff0000;
  picture.pixels[6] = 0x00ff00;
  picture.pixels[7] = 0x0000ff;
  desk.show(picture);
  auto viewer = viewer_of(desk);
  CHECK(viewer->picture.width == 720);
  CHECK(viewer->picture.height == 400);
  CHECK(viewer->name == "Lockstitch");
  REQUIRE(viewer->update(false));
  CHECK(viewer->picture.pixels == picture.pixels);
}

TEST_CASE("a change is sent by itself, in the tiles that changed and no others") {
  Desk desk;
  if (!desk.server) return;
  Picture picture = picture_of(640, 480, 0x101010);
  desk.show(picture);
  auto viewer = viewer_of(desk);
  REQUIRE(viewer->update(false));
  picture.pixels[100 * 640 + 70] = 0xffffff;
  desk.show(picture);
  REQUIRE(viewer->update(true));
  CHECK(viewer->picture.pixels == picture.pixels);
  REQUIRE(viewer->rectangles.size() == 1);
  CHECK(viewer->rectangles[0].x == 64);
  CHECK(viewer->rectangles[0].y == 64);
  CHECK(viewer->rectangles[0].width == 64);
  CHECK(viewer->rectangles[0].height == 64);
}

TEST_CASE("a guest that changes its mode changes the viewer's frame, to larger and to smaller") {
  Desk desk;
  if (!desk.server) return;
  desk.show(picture_of(720, 400, 1));
  auto viewer = viewer_of(desk);
  REQUIRE(viewer->update(false));
  for (const Picture& picture :
       {picture_of(1024, 768, 0xabcdef), picture_of(321, 199, 0x00ff00), picture_of(640, 480, 3)}) {
    const unsigned before = viewer->resized;
    desk.show(picture);
    CHECK(sees(*viewer, picture));
    CHECK(viewer->resized == before + 1);
  }
}

TEST_CASE("several viewers see the same and type on one keyboard") {
  Desk desk;
  if (!desk.server) return;
  desk.show(picture_of(640, 480, 5));
  auto first = viewer_of(desk), second = viewer_of(desk);
  CHECK(sees(*first, picture_of(640, 480, 5)));
  CHECK(sees(*second, picture_of(640, 480, 5)));
  desk.show(picture_of(640, 480, 6));
  CHECK(sees(*first, picture_of(640, 480, 6)));
  CHECK(sees(*second, picture_of(640, 480, 6)));
  first->key(0xff0d, true);
  CHECK(desk.arrival().payload == Payload{28, 0});
  second->key('a', true);
  CHECK(desk.arrival().payload == Payload{30, 0});
  second.reset();  // lets go
  const Message released = desk.arrival();
  CHECK(released.port == keyboard);
  CHECK(released.payload == Payload{30, 0x80});
  first->key(0xff0d, false);
  CHECK(desk.arrival().payload == Payload{28, 0x80});
}

TEST_CASE("a pointer moves and clicks the guest's mouse") {
  Desk desk;
  if (!desk.server) return;
  auto viewer = viewer_of(desk);
  viewer->pointer(100, 100, 0);
  viewer->pointer(107, 97, 0);
  viewer->pointer(107, 97, 1);
  viewer->pointer(107, 97, 0);
  Message moved = desk.arrival();
  CHECK(moved.port == mouse);
  CHECK(moved.payload == Payload{7, 0, 0xfd, 0xff, 0, 0});
  CHECK(desk.arrival().payload == Payload{0, 0, 0, 0, 0, 1});
  CHECK(desk.arrival().payload == Payload{0, 0, 0, 0, 0, 0});
}

TEST_CASE("nobody who does not look costs the core a picture") {
  Desk desk;
  if (!desk.server) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(desk.drawn() == 0);
  auto viewer = viewer_of(desk);
  REQUIRE(viewer->update(false));
  // It has its picture and asks for no other.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const unsigned before = desk.drawn();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(desk.drawn() == before);
}

TEST_CASE("with a password only those who know it come in") {
  Desk desk("secret");
  if (!desk.server) return;
  auto without = RfbClient::connect(desk.server->port());
  REQUIRE(without);
  CHECK_FALSE(without->shake_hands());
  CHECK(without->security_types == Payload{2});
  auto wrong = RfbClient::connect(desk.server->port());
  REQUIRE(wrong);
  CHECK_FALSE(wrong->shake_hands("secreT"));
  auto right = RfbClient::connect(desk.server->port());
  REQUIRE(right);
  CHECK(right->shake_hands("secret"));
  CHECK(right->update(false));
}

TEST_CASE("viewers past the bound are turned away and the others go on") {
  Desk desk;
  if (!desk.server) return;
  std::vector<std::optional<RfbClient>> viewers;
  for (std::size_t i = 0; i < VncServer::max_viewers; ++i) viewers.push_back(viewer_of(desk));
  auto late = RfbClient::connect(desk.server->port());
  REQUIRE(late);
  CHECK(late->closed());
  CHECK(viewers.back()->update(false));
  viewers.front().reset();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  bool came_in = false;
  while (!came_in && std::chrono::steady_clock::now() < deadline) {
    auto next = RfbClient::connect(desk.server->port());
    came_in = next && next->shake_hands();
  }
  CHECK(came_in);
}

TEST_CASE("a viewer that talks nonsense or stops in the middle of a word is disconnected, the others go on") {
  Desk desk;
  if (!desk.server) return;
  auto good = viewer_of(desk);
  auto rude = RfbClient::connect(desk.server->port());
  REQUIRE(rude);
  REQUIRE(rude->send(Payload(64, 'x')));
  CHECK(rude->closed());
  auto strange = viewer_of(desk);
  REQUIRE(strange->send({0x77, 1, 2, 3}));
  CHECK(strange->closed());
  auto slow = viewer_of(desk);
  REQUIRE(slow->send({4, 1, 0}));  // three bytes of eight
  CHECK(slow->closed());
  CHECK(good->update(false));
}

TEST_CASE("the server ends at once, with viewers that wait and with one that takes nothing") {
  Desk desk;
  if (!desk.server) return;
  desk.show(picture_of(2560, 1600, 1));
  auto waiting = viewer_of(desk), stuck = viewer_of(desk);
  REQUIRE(waiting->update(false));
  for (unsigned i = 0; i < 4; ++i) {
    REQUIRE(stuck->send({3, 0, 0, 0, 0, 0, 2560 >> 8, 0, 1600 >> 8, 1600 & 255}));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto before = std::chrono::steady_clock::now();
  desk.server.reset();
  const bool soon = std::chrono::steady_clock::now() - before < std::chrono::seconds(10);
  CHECK(soon);
  CHECK(waiting->closed());
}

TEST_CASE("a port that is taken is told, with the cure") {
  Desk desk;
  if (!desk.server) return;
  VncOptions options;
  options.place = {"127.0.0.1", desk.server->port(), true};
  Inbox inbox;
  Display display(inbox);
  const auto second = VncServer::open(options, display, inbox);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ExitCode::unavailable);
  CHECK(second.error().text.find(std::to_string(desk.server->port())) != std::string::npos);
  CHECK(second.error().text.find("choose another") != std::string::npos);
  options.place = {"192.0.2.1", 5900, false};  // of no host
  CHECK_FALSE(VncServer::open(options, display, inbox).ok());
}

TEST_CASE("a password is the first line of its file") {
  const test::TemporaryFolder folder;
  CHECK(read_vnc_password(folder.file("a", {'a', 'b', '\n', 'c'})).value() == "ab");
  CHECK(read_vnc_password(folder.file("b", {'x', '\r', '\n'})).value() == "x");
  CHECK_FALSE(read_vnc_password(folder.file("c", {'\n', 'c'})).ok());
  CHECK_FALSE(read_vnc_password(folder.file("d", {})).ok());
  CHECK_FALSE(read_vnc_password(folder.file("none")).ok());
}

}  // namespace lockstitch::world
