// What people get wrong with the commands of a pair: one sentence on stderr and the right exit code each.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/pair_security/pair_desk.h"

namespace lockstitch::test {
namespace {

struct Case {
  int exit_code;
  Words words;
  std::string says;
};

void check_all(const std::vector<Case>& cases) {
  for (const Case& bad : cases) {
    std::string shown;
    for (const std::string& word : bad.words) shown += word + " ";
    CAPTURE(shown);
    const Outcome outcome = run(bad.words);
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == bad.exit_code);
    CHECK(outcome.out == "");
    CHECK(outcome.err.starts_with("lockstitch: "));
    CHECK((outcome.err.ends_with(".\n") || outcome.err.ends_with("?\n")));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.find(bad.says) != std::string::npos);
    for (const char* foreign : {"toString", "params.", "sockfd", "OpenSSL"}) {
      CHECK(outcome.err.find(foreign) == std::string::npos);
    }
  }
}

/// Somebody else's listening socket.
struct Taken {
  Taken() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof to;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&to), size) == 0);
    REQUIRE(::listen(fd, 1) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&to), &size) == 0);
    address = "127.0.0.1:" + std::to_string(::ntohs(to.sin_port));
  }
  ~Taken() { ::close(fd); }
  int fd;
  std::string address;
};

TEST_CASE("every bad use of protect and standby gets one sentence and its exit code") {
  const PairDesk desk;
  const Taken taken;
  const std::string disk = desk.path("a.img");
  const auto copy_keys = [&](const char* name) {
    std::filesystem::copy(desk.path("keys/a"), desk.path(name));
    return desk.path(name);
  };
  const std::string incomplete = copy_keys("incomplete"), open = copy_keys("open"), strange = copy_keys("strange"),
                    mixed = copy_keys("mixed");
  std::filesystem::remove(incomplete + "/key.pem");
  REQUIRE(::chmod((open + "/key.pem").c_str(), 0644) == 0);
  desk.file("strange/certificate.pem", "hello\n");
  std::filesystem::copy_file(desk.path("keys/b/key.pem"), mixed + "/key.pem",
                             std::filesystem::copy_options::overwrite_existing);
  desk.file("file", "no folder\n");
  std::filesystem::create_directory(desk.path("damaged"));
  desk.file("damaged/standing", "lockstitch standing 1\nlockstitch\n7 led\nxxh3 0000000000000000\n");
  desk.file("pair.toml", "[pair]\nlisten = \"nowhere\"\n");

  const auto with = [&](const Words& other) { return desk.replica("protect", "a", other); };
  std::vector<Case> cases{
      {64, {"protect"}, "--kernel"},
      {64, with({"--kernel", ""}), "--kernel"},
      {64, with({"--listen", ""}), "--listen ADDR:PORT"},
      {64, with({"--arbiter", ""}), "--arbiter"},
      {64, with({"--keys", ""}), "lockstitch keys"},
      {64, with({"--state", ""}), "--state DIR"},
      {64, with({"--disk", disk}), "mode=rw"},
      {64, with({"--disk", disk + ",mode=overlay"}), "mode=rw"},
      {64, with({"--net", "user"}), "tap=NAME"},
      {64, with({"--serial", "stdio"}), "file:PATH"},
      {64, with({"--console", "stdio"}), "file:PATH"},
      {64, with({"--arbiter", "redis:here"}), "'redis'"},
      {64, with({"--arbiter", "somebody"}), "file:PATH, witness:HOST[:PORT] or etcd:HOST[:PORT]"},
      {64, with({"--arbiter", "file:"}), "arbiter"},
      {64, with({"--arbiter", "witness:"}), "names no host"},
      {64, with({"--arbiter", "witness:host:0"}), "there is no port 0"},
      {64, with({"--arbiter", "etcd:host:many"}), "is no port"},
      {64, with({"--listen", "nowhere"}), "ADDR:PORT"},
      {64, with({"--listen", "127.0.0.1:0"}), "ADDR:PORT"},
      {64, with({"--listen", "127.0.0.1:99999"}), "ADDR:PORT"},
      {64, with({"--listen", ":7400"}), "ADDR:PORT"},
      {64, with({"--peer", "nowhere"}), "--peer"},
      {64, with({"--metrics", "here"}), "--metrics"},
      {64, with({"--name", "x y"}), "'x y' is no name for a replica"},
      {64, with({"--name", "A"}), "--name"},
      {64, with({"--pair", "a/b"}), "'a/b' is no name for a pair"},
      {64, with({"--control", desk.path(std::string(200, 'x'))}), "shorter --control"},
      {64, with({"--stop-at-tick", "5"}), "--help"},
      {64, with({"--from", "x"}), "--from"},
      {64, with({desk.path("pair.toml")}), "nowhere"},
      {65, with({"--keys", strange}), "no certificate in PEM"},
      {65, with({"--keys", mixed}), "does not belong to the certificate"},
      {65, with({"--keys", open}), "chmod 600"},
      {65, with({"--state", desk.path("damaged")}), "is damaged"},
      {66, with({"--keys", desk.path("nothing")}), "authority.pem"},
      {66, with({"--keys", desk.path("keys")}), "certificate.pem"},
      {66, with({"--keys", incomplete}), "key.pem"},
      {66, with({"--disk", desk.path("nothing") + ",mode=rw"}), "does not exist"},
      {66, with({"--kernel", desk.path("nothing")}), "nothing"},
      {66, with({"--net", "tap=ls-nothing"}), "ip tuntap"},
      {69, with({"--state", desk.path("file")}), "--state"},
      {69, with({"--listen", taken.address}), "in use"},
      {69, with({"--listen", "203.0.113.7:7400"}), "cannot be listened on"},
      {69, with({"--metrics", taken.address}), "Metrics cannot be served"},
      {69, with({"--control", desk.path("no/where")}), "control socket"},
      {69, with({"--events", desk.path("no/where")}), "log of events"},
  };
  const Words standby = desk.replica("standby", "b", {"--listen", taken.address});
  cases.push_back({69, standby, "in use"});
  cases.push_back({64, desk.replica("standby", "b", {"--arbiter", ""}), "--arbiter"});
  check_all(cases);
  CHECK(!std::filesystem::exists(desk.path("term.term-1")));
}

TEST_CASE("every bad use of keys, witness, status and failover gets one sentence and its exit code") {
  const PairDesk desk;
  const Taken taken;
  desk.file("file", "no folder\n");
  const std::string member = desk.path("keys/witness"), free = "127.0.0.1:" + std::to_string(free_port());
  const auto witness = [&](const std::string& listen, const std::string& keys, const std::string& state) {
    return Words{"witness", "--listen", listen, "--keys", keys, "--state", state};
  };
  check_all({
      {64, {"keys"}, "-o is missing"},
      {64, {"keys", "-o"}, "--output"},
      {64, {"keys", "-o", desk.path("new"), "A"}, "'A' is no name"},
      {64, {"keys", "-o", desk.path("new"), "../a"}, "'../a' is no name"},
      {64, {"keys", "-o", desk.path("new"), "a", "a"}, "twice"},
      {64, {"keys", "-o", desk.path("new"), "--days", "0"}, "0 days"},
      {64, {"keys", "-o", desk.path("new"), "--days", "many"}, "--days"},
      {65, {"keys", "-o", desk.path("keys"), "a"}, "exists already"},
      {74, {"keys", "-o", desk.path("no/where")}, "cannot be written"},
      {64, {"witness"}, "--listen"},
      {64, {"witness", "--listen", free}, "--keys"},
      {64, {"witness", "--listen", free, "--keys", member}, "--state"},
      {64, witness("127.0.0.1:many", member, desk.path("w")), "ADDR:PORT"},
      {64, {"witness", "--lisen", free}, "--listen"},
      {66, witness(free, desk.path("nothing"), desk.path("w")), "authority.pem"},
      {69, witness(taken.address, member, desk.path("w")), "cannot listen"},
      {69, witness(free, member, desk.path("file")), "records"},
      {64, {"status"}, "--state"},
      {64, {"status", "a", "b"}, "one replica"},
      {64, {"status", "--jsno"}, "--json"},
      {66, {"status", desk.path("nobody")}, "No replica answers"},
      {66, {"status", "--json", desk.path("keys")}, "No replica answers"},
      {66, {"status", desk.path(std::string(200, 'x'))}, "No replica answers"},
      {64, {"failover"}, "--state"},
      {64, {"failover", "--json", "x"}, "--json"},
      {66, {"failover", desk.path("nobody")}, "No replica answers"},
      {66, {"test-failover", desk.path("nobody")}, "No replica answers"},
  });
  CHECK(!std::filesystem::exists(desk.path("new")));
}

TEST_CASE("what is in use by a replica that runs is refused to another, and roles are switched on a leader only") {
  PairDesk desk;
  desk.start("standby", "b");
  desk.wait_for("b", "started");
  const std::string free = "127.0.0.1:" + std::to_string(free_port());
  check_all({
      {69, desk.replica("standby", "b", {"--listen", free, "--events", desk.path("more")}),
       "in use by another process"},
      {69,
       desk.replica("standby", "b",
                    {"--state", desk.path("other"), "--listen", free, "--disk", "", "--control",
                     desk.path("state-b/control"), "--events", desk.path("more")}),
       "Another replica answers"},
      {69, {"failover", desk.path("state-b")}, "this replica is 'standby'"},
      {69, {"test-failover", desk.path("state-b")}, "this replica is 'standby'"},
      {69, {"failover", desk.path("state-b/control")}, "no follower in sync"},
  });
  const Outcome status = run({"status", "--json", desk.path("state-b")});
  CHECK(status.exit_code == 0);
  CHECK(nlohmann::json::parse(status.out).at("role") == "standby");
  // A leader without a follower has nobody to switch to either.
  desk.start("protect", "a", {"--peer", free});
  desk.wait_for("a", "alone");
  check_all({{69, {"failover", desk.path("state-a")}, "this replica is 'alone'"},
             {69, {"test-failover", desk.path("state-a")}, "this replica is 'alone'"}});
}

}  // namespace
}  // namespace lockstitch::test
