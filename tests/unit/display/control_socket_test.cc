// Who asks on a control socket is answered once and in order, and nobody can stop it from serving others.
#include "vmm/world/control_socket.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <thread>

#include "tests/unit/world/temporary_folder.h"
#include "vmm/world/outbox.h"
#include "vmm/world/world.h"

namespace lockstitch::world {

namespace {

/// A socket, the world that serves it, and this thread as the core.
struct Desk {
  test::TemporaryFolder folder;
  std::string path = folder.file("control");
  Inbox inbox;
  Outbox outbox;
  SteadyHostClock clock;
  std::unique_ptr<ControlSocket> socket;
  World world{outbox};

  Desk() {
    auto opened = ControlSocket::open(path, inbox);
    REQUIRE(opened.ok());
    socket = std::move(opened).value();
    world.add(*socket);
    REQUIRE(world.start().ok());
  }

  ControlRequest wait_for_request() {
    while (!socket->asked()) inbox.wait_until(clock, host_never);
    auto request = socket->next();
    REQUIRE(request);
    return *request;
  }
};

/// A client that says what it likes.
class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  void say(const std::string& text) {
    CHECK(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  /// Empty: the connection is over.
  std::string hear() {
    std::string line;
    for (char c = 0; c != '\n'; line += c) {
      if (::recv(fd_.get(), &c, 1, 0) != 1) return "";
    }
    line.pop_back();
    return line;
  }

 private:
  Descriptor fd_;
};

}  // namespace

TEST_CASE("a request wakes the core and its answer reaches who asked") {
  Desk desk;
  std::thread asker([&] {
    const auto answer = ask_control_socket(desk.path, "screen");
    REQUIRE(answer.ok());
    CHECK(answer.value() == "ok hello");
  });
  const ControlRequest request = desk.wait_for_request();
  CHECK(request.line == "screen");
  CHECK_FALSE(desk.socket->asked());
  desk.socket->answer(request.client, "ok hello");
  asker.join();
}

TEST_CASE("several requests of one client are asked one after the other") {
  Desk desk;
  Client client(desk.path);
  client.say("one\ntwo\nth");
  for (const char* line : {"one", "two"}) {
    const ControlRequest request = desk.wait_for_request();
    CHECK(request.line == line);
    CHECK_FALSE(desk.socket->asked());
    desk.socket->answer(request.client, std::string("did ") + line);
    CHECK(client.hear() == std::string("did ") + line);
  }
  CHECK_FALSE(desk.socket->asked());
  client.say("ree\n");
  CHECK(desk.wait_for_request().line == "three");
}

TEST_CASE("answers go to who asked, whoever went away meanwhile") {
  Desk desk;
  Client first(desk.path);
  auto second = std::make_unique<Client>(desk.path);
  first.say("a\n");
  const ControlRequest a = desk.wait_for_request();
  second->say("b\n");
  const ControlRequest b = desk.wait_for_request();
  CHECK(a.client != b.client);
  second.reset();
  desk.socket->answer(b.client, "lost");
  desk.socket->answer(a.client, "found");
  CHECK(first.hear() == "found");
}

TEST_CASE("a line without an end and a client too many cost only themselves") {
  Desk desk;
  Client endless(desk.path);
  endless.say(std::string(ControlSocket::line_max_bytes, 'x'));
  CHECK(endless.hear().empty());
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < ControlSocket::max_clients; ++i) clients.push_back(std::make_unique<Client>(desk.path));
  clients.back()->say("x\n");
  const ControlRequest request = desk.wait_for_request();
  Client late(desk.path);
  CHECK(late.hear().empty());
  desk.socket->answer(request.client, "ok");
  CHECK(clients.back()->hear() == "ok");
}

TEST_CASE("who waits when the machine ends is told so, and the socket is gone") {
  Desk desk;
  Client client(desk.path);
  client.say("checkpoint\n");
  (void)desk.wait_for_request();
  desk.world.stop();
  desk.socket.reset();
  CHECK(client.hear() == "error the machine has ended");
  struct stat info {};
  CHECK(::stat(desk.path.c_str(), &info) != 0);
  const auto nobody = ask_control_socket(desk.path, "screen");
  REQUIRE(nobody.ok());
  CHECK_FALSE(nobody.value());
}

TEST_CASE("a socket that a killed process left is replaced, one that answers is not, and neither is a file") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("control");
  {
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  Inbox inbox;
  const auto first = ControlSocket::open(path, inbox);
  REQUIRE(first.ok());
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const auto second = ControlSocket::open(path, inbox);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ExitCode::unavailable);
  CHECK(::stat(path.c_str(), &info) == 0);
  CHECK_FALSE(ControlSocket::open(folder.file("file", {1}), inbox).ok());
  CHECK(folder.contents("file") == std::vector<std::uint8_t>{1});
  CHECK_FALSE(ControlSocket::open(folder.file(std::string(200, 'x')), inbox).ok());
}

TEST_CASE("any text is one line and comes back") {
  for (const std::string text : {"", "plain", "two\nlines\n", "back\\slash \\n", "\\", "\n", "\\\\n\n"}) {
    CHECK(to_line(text).find('\n') == std::string::npos);
    CHECK(from_line(to_line(text)) == text);
  }
  CHECK(from_line("ends with \\") == "ends with \\");
}

}  // namespace lockstitch::world
