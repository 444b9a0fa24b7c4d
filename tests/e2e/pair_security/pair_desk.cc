// See pair_desk.h.
#include "tests/e2e/pair_security/pair_desk.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "tests/e2e/cli/flat_guest.h"

namespace lockstitch::test {

namespace {

using namespace std::chrono_literals;

void make_disk(const TemporaryFolder& folder, const std::string& name, std::size_t bytes) {
  folder.file(name, std::vector<std::uint8_t>(bytes));
}

}  // namespace

unsigned free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ::ntohs(address.sin_port);
}

PairDesk::PairDesk() : ports_{free_port(), free_port()} {
  while (ports_[1] == ports_[0]) ports_[1] = free_port();
  folder_.file("kernel.bin", FlatGuest().halt().bytes());
  make_disk(folder_, "a.img", 64 << 10);
  make_disk(folder_, "b.img", 64 << 10);
  REQUIRE(run({"keys", "-o", path("keys"), "a", "b", "witness"}).exit_code == 0);
}

std::string PairDesk::address(const std::string& host) const {
  return "127.0.0.1:" + std::to_string(ports_[host == "a" ? 0 : 1]);
}

Words PairDesk::replica(const std::string& command, const std::string& host, const Words& other) const {
  std::vector<std::pair<std::string, std::string>> flags{
      {"--kernel", path("kernel.bin")},
      {"--memory", "4M"},
      {"--disk", path(host + ".img") + ",mode=rw"},
      {"--listen", address(host)},
      {"--peer", address(host == "a" ? "b" : "a")},
      {"--arbiter", "file:" + path("term")},
      {"--keys", path("keys/" + host)},
      {"--state", path("state-" + host)},
      {"--events", path("events-" + host)},
  };
  Words words{command, "--flat"}, rest;
  for (std::size_t i = 0; i < other.size(); ++i) {
    bool replaced = false;
    for (auto& [flag, value] : flags) {
      if (flag != other[i] || i + 1 >= other.size()) continue;
      value = other[++i];
      replaced = true;
      break;
    }
    if (!replaced) rest.push_back(other[i]);
  }
  for (const auto& [flag, value] : flags) {
    // A flag that is replaced by nothing is left out.
    if (!value.empty()) words.insert(words.end(), {flag, value});
  }
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

Program& PairDesk::start(const std::string& command, const std::string& host, const Words& other) {
  return *programs_.emplace_back(std::make_unique<Program>(replica(command, host, other)));
}

std::string PairDesk::events(const std::string& host) const {
  const auto bytes = folder_.contents("events-" + host);
  return {bytes.begin(), bytes.end()};
}

bool PairDesk::happened(const std::string& host, const std::string& event) const {
  return events(host).find("\"event\":\"" + event + "\"") != std::string::npos;
}

std::string PairDesk::wait_for(const std::string& host, const std::string& event, const std::string& part) const {
  const auto deadline = std::chrono::steady_clock::now() + 120s;
  for (;;) {
    std::istringstream lines(events(host));
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      if (!json.is_object() || json.value("event", "") != event) continue;
      const std::string detail = json.value("detail", "");
      if (detail.find(part) != std::string::npos) return detail;
    }
    if (std::chrono::steady_clock::now() > deadline) break;
    std::this_thread::sleep_for(10ms);
  }
  FAIL("no event '", event, "' with '", part, "' of ", host, "\na:\n", events("a"), "b:\n", events("b"));
  return "";
}

}  // namespace lockstitch::test
