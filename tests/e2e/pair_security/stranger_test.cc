// Who is not a member, or is one of another time: strangers, expired certificates, other protocols, earlier and later
// terms. A replica says so in a sentence and goes on.
#include <doctest/doctest.h>
#include <openssl/x509.h>

#include <chrono>
#include <thread>

#include "sync/peer/certificate.h"
#include "sync/peer/standing_file.h"
#include "tests/e2e/pair_security/pair_desk.h"
#include "tests/e2e/pair_security/visitor.h"

namespace lockstitch::test {
namespace {

using namespace std::chrono_literals;

/// Of strangers that come in one second only the first is told of.
constexpr auto strangers_apart = 1100ms;

sync::Keys keys_in(const std::string& folder) {
  auto keys = sync::load_keys(folder);
  REQUIRE_MESSAGE(keys.ok(), keys.error().text);
  return std::move(keys).value();
}

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The member's own certificate, signed anew by the authority for a day that is over.
std::string expired_certificate(const PairDesk& desk, const std::string& member) {
  const auto authority_key = sync::private_key_of(text_of(desk.path("keys/authority-key.pem")));
  const auto certificate = sync::certificate_of(text_of(desk.path("keys/" + member + "/certificate.pem")));
  REQUIRE(authority_key);
  REQUIRE(certificate);
  REQUIRE(X509_time_adj_ex(X509_getm_notBefore(certificate.get()), -2, 0, nullptr) != nullptr);
  REQUIRE(X509_time_adj_ex(X509_getm_notAfter(certificate.get()), -1, 0, nullptr) != nullptr);
  REQUIRE(X509_sign(certificate.get(), authority_key.get(), EVP_sha256()) != 0);
  return sync::to_pem(certificate.get());
}

/// Without a certificate of its own.
kj::Own<kj::TlsContext> nobody(const sync::Keys& keys) {
  const kj::TlsCertificate authority(kj::StringPtr(keys.authority.c_str()));
  kj::TlsContext::Options options;
  options.useSystemTrustStore = false;
  options.trustedCertificates = kj::arrayPtr(&authority, 1);
  return kj::heap<kj::TlsContext>(options);
}

/// For people, without the words of a library.
void check_words(const std::string& detail) {
  CAPTURE(detail);
  for (const char* foreign : {"OpenSSL", "toString", ":0A", "()", "remote exception"}) {
    CHECK(detail.find(foreign) == std::string::npos);
  }
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_CASE("a leader and a standby with keys of different authorities tell so on both sides") {
  PairDesk desk;
  REQUIRE(run({"keys", "-o", desk.path("others"), "b"}).exit_code == 0);
  desk.start("standby", "b", {"--keys", desk.path("others/b")});
  desk.start("protect", "a");
  check_words(desk.wait_for("b", "stranger", "of one authority"));
  check_words(desk.wait_for("a", "peer_away", "of one authority"));
  CHECK(!desk.happened("b", "joining"));
}

TEST_CASE("whoever shows no certificate of the authority that is valid now gets nothing, and a member still does") {
  PairDesk desk;
  desk.start("standby", "b");
  desk.wait_for("b", "started");
  REQUIRE(run({"keys", "-o", desk.path("others"), "a"}).exit_code == 0);
  const sync::Keys member = keys_in(desk.path("keys/a")), other = keys_in(desk.path("others/a"));
  // They would let b in: it is b that must refuse them.
  sync::Keys stranger = other, expired = member;
  stranger.authority = member.authority;
  expired.certificate = expired_certificate(desk, "a");
  const Greeting greeting{99, "visitor", "lockstitch", "", {}};

  std::size_t told = 0;
  const auto check_told = [&](const char* what) {
    CAPTURE(what);
    const auto deadline = std::chrono::steady_clock::now() + 120s;
    while (count_of(desk.events("b"), "\"event\":\"stranger\"") <= told) {
      REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, desk.events("b"));
      std::this_thread::sleep_for(10ms);
    }
    told = count_of(desk.events("b"), "\"event\":\"stranger\"");
    std::this_thread::sleep_for(strangers_apart);
  };
  const auto check_refused = [&](const char* what, kj::Own<kj::TlsContext> tls) {
    CAPTURE(what);
    const Visit visited = visit(desk.address("b"), kj::mv(tls), greeting);
    CHECK(visited.refusal.empty());
    CHECK(!visited.trouble.empty());
    check_told(what);
  };
  check_refused("a certificate of another authority", sync::make_tls(stranger));
  check_refused("an expired certificate", sync::make_tls(expired));
  check_refused("no certificate", nobody(member));
  CHECK(is_cut_off(desk.address("b"), "GET / HTTP/1.1\r\n\r\n"));
  check_told("no TLS");
  CHECK(is_cut_off(desk.address("b"), std::string(100'000, '\x16')));
  check_told("garbage");
  // Nothing at all: it is given up after a while.
  CHECK(is_cut_off(desk.address("b"), ""));
  check_told("silence");
  check_words(desk.events("b"));
  CHECK(!desk.happened("b", "refused"));

  const Visit let_in = visit(desk.address("b"), sync::make_tls(member), greeting);
  CHECK(let_in.refusal.find("protocol 99") != std::string::npos);
}

TEST_CASE("an expired certificate is refused by its owner's own program too") {
  PairDesk desk;
  desk.file("keys/a/certificate.pem", expired_certificate(desk, "a"));
  const Outcome outcome = run(desk.replica("protect", "a"));
  CHECK(outcome.exit_code == 65);
  CHECK(outcome.err.find("expired") != std::string::npos);
}

TEST_CASE("another protocol, and a description of a machine that is none, are refused in a sentence") {
  PairDesk desk;
  desk.start("standby", "b");
  desk.wait_for("b", "started");
  const auto refusal = [&](const Greeting& greeting) {
    const Visit visited = visit(desk.address("b"), sync::make_tls(keys_in(desk.path("keys/a"))), greeting);
    CAPTURE(visited.trouble);
    CHECK(visited.heard.empty());
    REQUIRE(!visited.refusal.empty());
    CHECK(desk.wait_for("b", "refused", visited.refusal).starts_with("'" + greeting.name + "': "));
    return visited.refusal;
  };
  const std::string other = refusal({99, "visitor", "lockstitch", "", {}});
  CHECK(other.find("protocol 99") != std::string::npos);
  CHECK(other.find("same version") != std::string::npos);
  CHECK(refusal({0, "visitor", "lockstitch", "", {}}).find("protocol 0") != std::string::npos);
  CHECK(refusal({2, "visitor", "lockstitch", "", {}}).find("the description of the machine") != std::string::npos);
  CHECK(refusal({2, "visitor", "lockstitch", "", std::vector<std::uint8_t>(1000, 0xff)}).find("the description") !=
        std::string::npos);
  CHECK(refusal({2, "visitor", "lockstitch", "", std::vector<std::uint8_t>(9u << 20, 0)}).find("the description") !=
        std::string::npos);
  CHECK(refusal({2, std::string(5000, 'n'), "p\n\"", "", {}}).find("the pair is") != std::string::npos);
  CHECK(!desk.happened("b", "joining"));
}

TEST_CASE("who comes from an earlier term is told the present one, and whose term is over gives up") {
  PairDesk desk;
  {
    auto file = sync::StandingFile::open(desk.path("state-b"), "lockstitch");
    REQUIRE(file.ok());
    REQUIRE(file.value().write({5, sync::Right::outdated}).ok());
  }
  // The visitor is dialed in place of b, and so learns what machine a has.
  const std::string place = "127.0.0.1:" + std::to_string(free_port());
  const sync::Keys keys = keys_in(desk.path("keys/witness"));
  desk.start("protect", "a", {"--peer", place});
  Greeting greeting = receive(place, keys);
  CHECK(greeting.name == "a");
  CHECK(greeting.pair == "lockstitch");
  CHECK(greeting.protocol == 2);
  CHECK(greeting.address == desk.address("a"));
  REQUIRE(!greeting.machine.empty());
  greeting.name = "visitor";

  const auto said = [&](const std::string& host, const sync::Message& message) {
    const Visit visited = visit(desk.address(host), sync::make_tls(keys), greeting, message);
    CHECK(visited.refusal == "");
    return visited;
  };
  const auto check_fenced = [](const Visit& visited, sync::Term term) {
    REQUIRE(visited.heard.size() == 1);
    REQUIRE(std::holds_alternative<sync::Fenced>(visited.heard[0]));
    CHECK(sync::term_of(visited.heard[0]) == term);
  };
  SUBCASE("a standby tells an old leader") {
    desk.start("standby", "b");
    desk.wait_for("b", "started", "term 5");
    check_fenced(said("b", sync::Hello{3, "visitor"}), 5);
    desk.wait_for("b", "link_closed", "an older term");
    CHECK(!desk.happened("b", "joining"));
    CHECK(text_of(desk.path("state-b/standing")).find("5 outdated") != std::string::npos);
  }
  SUBCASE("so does a leader, and it goes on leading") {
    check_fenced(said("a", sync::Hello{0, "visitor"}), 1);
    desk.wait_for("a", "link_closed", "an older term");
    CHECK(run({"status", desk.path("state-a")}).out.find("alone in term 1") != std::string::npos);
    // Nor does one that speaks in a term that the arbiter has not given get anything.
    CHECK(said("a", sync::Ready{7}).heard.empty());
    desk.wait_for("a", "link_closed", "does not know");
    CHECK(!desk.happened("a", "inviting"));
    // And two cannot have led in one term.
    CHECK(said("a", sync::Hello{1, "visitor"}).heard.empty());
    desk.wait_for("a", "link_closed", "and so does this replica");
    CHECK(run({"status", desk.path("state-a")}).out.find("alone in term 1") != std::string::npos);
  }
  SUBCASE("a leader whose term is over throws its machine away, and remembers") {
    receive(place, keys, sync::Fenced{9});
    desk.wait_for("a", "standby", "term 9");
    CHECK(text_of(desk.path("state-a/standing")).find("9 outdated") != std::string::npos);
    desk.end();
    desk.start("protect", "a");
    desk.wait_for("a", "started", "standby, term 9");
  }
}

}  // namespace
}  // namespace lockstitch::test
