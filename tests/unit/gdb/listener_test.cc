// Where a debugger may connect, who else may not, and that waiting ends.
#include "vmm/gdb/listener.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/unit/world/temporary_folder.h"

using namespace lockstitch;
using namespace lockstitch::gdb;
using namespace lockstitch::test;

namespace {

const std::function<bool()> never = [] { return false; };

/// A debugger's end of a connection.
class Caller {
 public:
  explicit Caller(const std::string& place) {
    if (place[0] == '/') {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      place.copy(address.sun_path, sizeof address.sun_path - 1);
      fd_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
      connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    } else {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(place.substr(place.rfind(':') + 1))));
      fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
      connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
  }
  ~Caller() { ::close(fd_); }
  bool connected() const { return connected_; }
  void say(std::string_view bytes) const { REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0); }
  /// Empty: the other end has closed.
  std::string hear() const {
    char bytes[64];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    return std::string(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

Error refusal(const std::string& place, bool allow_remote = false) {
  const auto opened = Listener::open(place, allow_remote, never);
  REQUIRE_FALSE(opened.ok());
  return opened.error();
}

}  // namespace

TEST_CASE("what is not a place is refused") {
  for (const std::string place :
       {"", ":", "x", ":x", ":-1", ":12x", ":65536", "host:1234", "1.2.3:1", "unix:", "127.0.0.1", "::1"}) {
    CAPTURE(place);
    CHECK(refusal(place).code == ExitCode::usage);
  }
  CHECK(refusal("unix:/" + std::string(200, 'a')).code == ExitCode::usage);
}

TEST_CASE("other hosts are let in only when the person says so") {
  for (const char* place : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0"}) {
    CAPTURE(place);
    const Error error = refusal(place);
    CHECK(error.code == ExitCode::usage);
    CHECK(error.text.find("--gdb-remote") != std::string::npos);
  }
  CHECK(Listener::open("0.0.0.0:0", true, never).ok());
}

TEST_CASE("without an address only this host can connect") {
  for (const char* place : {":0", "0", "localhost:0", "127.0.0.1:0"}) {
    const auto listener = Listener::open(place, false, never);
    REQUIRE(listener.ok());
    CHECK(listener.value()->place().starts_with("127.0.0.1:"));
    CHECK_FALSE(listener.value()->place().ends_with(":0"));
  }
}

TEST_CASE("a place that is taken is refused in a sentence") {
  const auto first = Listener::open(":0", false, never);
  REQUIRE(first.ok());
  const Error error = refusal(first.value()->place());
  CHECK(error.code == ExitCode::unavailable);
  CHECK(error.text.find(first.value()->place()) != std::string::npos);
  const TemporaryFolder folder;
  const auto at_path = Listener::open("unix:" + folder.file("socket"), false, never);
  REQUIRE(at_path.ok());
  CHECK(refusal("unix:" + folder.file("socket")).code == ExitCode::unavailable);
  CHECK(Caller(folder.file("socket")).connected());
}

TEST_CASE("a socket that somebody left behind is replaced, any other file stays") {
  const TemporaryFolder folder;
  const std::string path = folder.file("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::close(left);
  {
    const auto listener = Listener::open("unix:" + path, false, never);
    REQUIRE(listener.ok());
    CHECK(listener.value()->place() == path);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  folder.file("notes", {1, 2, 3});
  CHECK(refusal("unix:" + folder.file("notes")).code == ExitCode::unavailable);
  CHECK(folder.contents("notes") == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(refusal("unix:" + folder.file("nowhere/socket")).code == ExitCode::unavailable);
}

TEST_CASE("bytes go both ways, and a debugger that goes is noticed") {
  const TemporaryFolder folder;
  for (const std::string& place : {std::string(":0"), "unix:" + folder.file("socket")}) {
    const auto listener = Listener::open(place, false, never);
    REQUIRE(listener.ok());
    CHECK(listener.value()->poll() == nullptr);
    std::unique_ptr<Wire> wire;
    {
      const Caller caller(listener.value()->place());
      wire = listener.value()->accept();
      REQUIRE(wire != nullptr);
      CHECK(wire->poll() == std::string());
      caller.say("one");
      CHECK(wire->read() == std::string("one"));
      caller.say("two");
      std::optional<std::string> two;
      while ((two = wire->poll()) == std::string()) continue;
      CHECK(two == std::string("two"));
      CHECK(wire->write("answer"));
      CHECK(caller.hear() == "answer");
    }
    CHECK_FALSE(wire->read().has_value());
    CHECK_FALSE(wire->poll().has_value());
    wire.reset();
    const Caller next(listener.value()->place());
    CHECK(listener.value()->accept() != nullptr);
  }
}

TEST_CASE("while one debugger is connected another one is turned away") {
  const auto listener = Listener::open(":0", false, never);
  REQUIRE(listener.ok());
  const Caller first(listener.value()->place());
  const auto wire = listener.value()->accept();
  const Caller second(listener.value()->place());
  REQUIRE(second.connected());
  first.say("x");
  std::string heard;
  while (heard.empty()) heard = wire->poll().value();
  CHECK(second.hear().empty());
  CHECK(wire->write("y"));
  CHECK(first.hear() == "y");
}

TEST_CASE("when the program is to end nothing waits any more") {
  int looks = 0;
  const auto soon = [&looks] { return ++looks > 2; };
  const auto listener = Listener::open(":0", false, soon);
  REQUIRE(listener.ok());
  CHECK(listener.value()->accept() == nullptr);
  looks = -1000;
  const Caller caller(listener.value()->place());
  const auto wire = listener.value()->accept();
  REQUIRE(wire != nullptr);
  looks = 0;
  CHECK_FALSE(wire->read().has_value());
  CHECK_FALSE(wire->poll().has_value());
  // It does not read what it is told.
  looks = 0;
  CHECK_FALSE(wire->write(std::string(64u << 20, 'x')));
}
