// User-mode networking with a guest made of a few hand-written frames, and TAP interfaces as far as this host has them.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <thread>

#include "tests/unit/world/turn.h"
#include "vmm/world/tap.h"
#include "vmm/world/user_net.h"

namespace lockstitch::world {

namespace {

using test::turn_until;
using Frame = std::vector<std::uint8_t>;

constexpr PortId card{6};
constexpr std::array<std::uint8_t, 6> guest_mac{0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

void append(Frame& frame, std::initializer_list<int> bytes) {
  for (const int byte : bytes) frame.push_back(static_cast<std::uint8_t>(byte));
}

/// ARP (RFC 826). operation 1: request, 2: reply.
Frame arp(int operation, std::array<std::uint8_t, 4> sender, std::array<std::uint8_t, 4> target,
          std::array<std::uint8_t, 6> target_mac) {
  Frame frame;
  if (operation == 1) append(frame, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  if (operation == 2) frame.insert(frame.end(), target_mac.begin(), target_mac.end());
  frame.insert(frame.end(), guest_mac.begin(), guest_mac.end());
  append(frame, {8, 6, 0, 1, 8, 0, 6, 4, 0, operation});
  frame.insert(frame.end(), guest_mac.begin(), guest_mac.end());
  frame.insert(frame.end(), sender.begin(), sender.end());
  frame.insert(frame.end(), target_mac.begin(), target_mac.end());
  frame.insert(frame.end(), target.begin(), target.end());
  return frame;
}

bool is_arp(const Frame& frame, int operation) {
  return frame.size() >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == operation;
}

struct UdpSocket {
  UdpSocket() : fd(::socket(AF_INET, SOCK_DGRAM, 0)) {}
  std::uint16_t bind_anywhere() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
  }
  void send_to(std::uint16_t port, std::string_view text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  Descriptor fd;
};

std::string refusal(const Forward& forward) {
  Inbox inbox;
  const auto net = UserNet::open(card, {forward}, inbox);
  return net.ok() ? "" : net.error().text;
}

bool says(const std::string& sentence, const char* part) { return sentence.find(part) != std::string::npos; }

std::string tap_refusal(const std::string& name) {
  Inbox inbox;
  const auto tap = Tap::open(name, card, inbox);
  return tap.ok() ? "" : tap.error().text;
}

/// Makes a TAP in the network namespace of this thread; the descriptor keeps it attached. -1: not allowed here.
Descriptor make_tap(const char* name, bool persistent) {
  Descriptor fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (!fd || ::ioctl(fd.get(), TUNSETIFF, &request) != 0) return {};
  if (persistent) ::ioctl(fd.get(), TUNSETPERSIST, 1);
  return fd;
}

}  // namespace

TEST_CASE("user-mode networking answers ARP for its gateway") {
  Inbox inbox;
  auto net = UserNet::open(card, {}, inbox);
  REQUIRE(net.ok());
  CHECK(net.value()->port() == card);
  net.value()->send(arp(1, {10, 0, 2, 15}, {10, 0, 2, 2}, {}));
  REQUIRE(turn_until(*net.value(), [&] { return !inbox.empty(); }));
  const auto reply = inbox.pop();
  CHECK(reply->port == card);
  REQUIRE(is_arp(reply->payload, 2));
  CHECK(std::equal(guest_mac.begin(), guest_mac.end(), reply->payload.begin()));
}

TEST_CASE("rubbish from the guest does user-mode networking no harm") {
  Inbox inbox;
  auto net = UserNet::open(card, {}, inbox);
  REQUIRE(net.ok());
  for (std::size_t size = 0; size < 100; ++size) {
    net.value()->send(Frame(size, 0xff));
    net.value()->send(Frame(size, 0x08));
    test::turn(*net.value(), 0);
  }
}

TEST_CASE("a datagram to a forwarded port reaches the guest") {
  std::uint16_t port = 0;
  {
    UdpSocket probe;
    port = probe.bind_anywhere();
  }
  Inbox inbox;
  auto net = UserNet::open(card, {{true, "127.0.0.1", port, 7777}}, inbox);
  REQUIRE(net.ok());
  UdpSocket sender;
  sender.send_to(port, "a stitch in time");
  Frame datagram;
  REQUIRE(turn_until(*net.value(), [&] {
    while (auto message = inbox.pop()) {
      const Frame& frame = message->payload;
      if (is_arp(frame, 1)) {
        std::array<std::uint8_t, 6> asker{};
        std::copy_n(frame.begin() + 22, 6, asker.begin());
        net.value()->send(arp(2, {10, 0, 2, 15}, {frame[28], frame[29], frame[30], frame[31]}, asker));
      } else if (frame.size() > 42 && frame[12] == 8 && frame[13] == 0 && frame[23] == 17) {
        datagram = frame;
      }
    }
    return !datagram.empty();
  }));
  CHECK((datagram[36] << 8 | datagram[37]) == 7777);
  CHECK(std::string(datagram.begin() + 42, datagram.begin() + 42 + 16) == "a stitch in time");
}

TEST_CASE("a forward that cannot be is refused in a sentence") {
  CHECK(says(refusal({false, "localhost", 4000, 22}), "'localhost' is not an IPv4 address"));
  CHECK(says(refusal({false, "", 0, 22}), "1 to 65535"));
  CHECK(says(refusal({true, "", 4000, 0}), "1 to 65535"));
  CHECK(says(refusal({false, "192.0.2.1", 4000, 22}), "192.0.2.1 is no address of this host"));
}

TEST_CASE("a forward from a port that is taken is refused in a sentence, TCP and UDP") {
  UdpSocket udp;
  const std::uint16_t udp_port = udp.bind_anywhere();
  CHECK(says(refusal({true, "127.0.0.1", udp_port, 53}), "is taken by another program"));

  Inbox inbox;
  std::uint16_t port = 0;
  auto first = UserNet::open(card, {}, inbox);
  for (port = 20'000; port < 20'100; ++port) {  // some port of these is free
    first = UserNet::open(card, {{false, "127.0.0.1", port, 22}}, inbox);
    if (first.ok()) break;
  }
  REQUIRE(first.ok());
  const std::string sentence = refusal({false, "127.0.0.1", port, 22});
  CHECK(sentence ==
        "TCP port " + std::to_string(port) + " on 127.0.0.1 is taken by another program; forward from another port.");
}

TEST_CASE("a TAP that is not there is refused in a sentence and not made") {
  CHECK(says(tap_refusal("lsnothere0"), "There is no interface 'lsnothere0'"));
  CHECK(::if_nametoindex("lsnothere0") == 0);
  CHECK(says(tap_refusal(""), "cannot be the name of an interface"));
  CHECK(says(tap_refusal("a-name-of-16-cha"), "cannot be the name of an interface"));
}

TEST_CASE("a TAP carries frames both ways; one that is in use or no TAP is refused in a sentence") {
  // In a network namespace of its own, which belongs to this thread and ends with it.
  std::thread([] {
    if (::unshare(CLONE_NEWNET) != 0) {
      MESSAGE("skipped: no permission for a network namespace");
      return;
    }
    Descriptor owner = make_tap("lstap0", true);
    if (!owner) {
      MESSAGE("skipped: no permission for /dev/net/tun");
      return;
    }
    CHECK(says(tap_refusal("lstap0"), "'lstap0' is in use by another process"));
    CHECK(says(tap_refusal("lo"), "'lo' is not a TAP"));
    owner = Descriptor();

    Inbox inbox;
    auto tap = Tap::open("lstap0", card, inbox);
    REQUIRE(tap.ok());
    tap.value()->send(arp(1, {192, 0, 2, 15}, {192, 0, 2, 1}, {}));
    CHECK(tap.value()->dropped_out() == 1);  // it is down

    const Descriptor control(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lstap0");
    auto* address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
    address->sin_family = AF_INET;
    inet_pton(AF_INET, "192.0.2.1", &address->sin_addr);
    REQUIRE(::ioctl(control.get(), SIOCSIFADDR, &request) == 0);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    REQUIRE(::ioctl(control.get(), SIOCSIFFLAGS, &request) == 0);

    tap.value()->send(arp(1, {192, 0, 2, 15}, {192, 0, 2, 1}, {}));
    CHECK(turn_until(*tap.value(), [&] {
      while (auto message = inbox.pop()) {
        if (message->port == card && is_arp(message->payload, 2)) return true;
      }
      return false;
    }));
    CHECK(tap.value()->dropped_out() == 1);
  }).join();
}

}  // namespace lockstitch::world
