// Keys of a pair: who is let in, and that what is wrong with them is said in one sentence with its cure.
#include "sync/peer/keys.h"

#include <doctest/doctest.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "sync/peer/certificate.h"
#include "tests/unit/peer/temporary_folder.h"

namespace lockstitch::sync {
namespace {

using test::contents_of;
using test::put;
using test::TemporaryFolder;

struct Pair {
  explicit Pair(std::vector<std::string> members = {"a", "b"}) {
    const Outcome made = make_keys({folder.path(), std::move(members), 30});
    REQUIRE_MESSAGE(made.ok(), made.error().text);
  }
  std::string operator/(const std::string& name) const { return folder / name; }
  Keys of(const std::string& member) const {
    auto keys = load_keys(folder / member);
    REQUIRE_MESSAGE(keys.ok(), keys.error().text);
    return std::move(keys).value();
  }
  TemporaryFolder folder;
};

/// One sentence that holds all of `words`.
void check_sentence(const Error& error, std::initializer_list<const char*> words) {
  CAPTURE(error.text);
  CHECK(error.text.ends_with('.'));
  CHECK(error.text.find(". ") == std::string::npos);
  CHECK(error.text.find('\n') == std::string::npos);
  for (const char* word : words) {
    CAPTURE(word);
    CHECK(error.text.find(word) != std::string::npos);
  }
}

/// Puts a certificate of a's key into a's folder, valid from and to these days from now.
void replace_certificate(const Pair& pair, int from_days, int to_days) {
  const Certificate authority = certificate_of(contents_of(pair / "authority.pem"));
  const PrivateKey authority_key = private_key_of(contents_of(pair / "authority-key.pem"));
  const Certificate certificate = certificate_of(contents_of(pair / "a/certificate.pem"));
  REQUIRE(X509_time_adj_ex(X509_getm_notBefore(certificate.get()), from_days, 0, nullptr) != nullptr);
  REQUIRE(X509_time_adj_ex(X509_getm_notAfter(certificate.get()), to_days, 0, nullptr) != nullptr);
  REQUIRE(X509_sign(certificate.get(), authority_key.get(), EVP_sha256()) != 0);
  put(pair / "a/certificate.pem", to_pem(certificate.get()));
}

enum class Meeting { both_in, refused };

/// What becomes of a client and a server that meet and send each other one byte.
Meeting meet(const Keys& server_keys, const Keys& client_keys, const char* host = tls_name) {
  auto io = kj::setupAsyncIo();
  auto server = make_tls(server_keys);
  auto client = make_tls(client_keys);
  auto pipe = io.provider->newTwoWayPipe();
  const auto exchange = [](kj::Own<kj::AsyncIoStream>&& stream) {
    auto byte = kj::heapArray<char>(1);
    byte[0] = 'x';
    auto& peer = *stream;
    auto sent = peer.write(byte.begin(), 1);
    return sent
        .then([&peer, byte = kj::mv(byte)]() mutable {
          auto answer = peer.read(byte.begin(), 1);
          return answer.attach(kj::mv(byte));
        })
        .attach(kj::mv(stream));
  };
  const auto outcome = [](kj::Promise<void>&& promise) {
    return promise.then([] { return true; }, [](kj::Exception&&) { return false; }).eagerlyEvaluate(nullptr);
  };
  auto serving = outcome(server->wrapServer(kj::mv(pipe.ends[0])).then(exchange));
  auto asking = outcome(client->wrapClient(kj::mv(pipe.ends[1]), host).then(exchange));
  const bool client_in = asking.wait(io.waitScope);
  const bool server_in = serving.wait(io.waitScope);
  CHECK(client_in == server_in);
  return client_in && server_in ? Meeting::both_in : Meeting::refused;
}

TEST_CASE("members of one authority meet, whoever dials") {
  const Pair pair({"a", "b", "witness"});
  CHECK(pair.of("a").name == "a");
  CHECK(pair.of("witness").name == "witness");
  CHECK(meet(pair.of("a"), pair.of("b")) == Meeting::both_in);
  CHECK(meet(pair.of("witness"), pair.of("a")) == Meeting::both_in);
}

TEST_CASE("a stranger with an authority of his own is refused on both sides") {
  const Pair pair, strangers;
  CHECK(meet(pair.of("a"), strangers.of("b")) == Meeting::refused);
  CHECK(meet(strangers.of("a"), pair.of("b")) == Meeting::refused);
  SUBCASE("even one that trusts our authority") {
    Keys mixed = strangers.of("b");
    mixed.authority = pair.of("a").authority;
    CHECK(meet(pair.of("a"), mixed) == Meeting::refused);
  }
}

TEST_CASE("a server that is asked for by another name is not believed") {
  const Pair pair;
  CHECK(meet(pair.of("a"), pair.of("b"), "example.org") == Meeting::refused);
}

TEST_CASE("a certificate that has expired is refused by the loader and by the peer") {
  const Pair pair;
  replace_certificate(pair, -20, -1);
  const auto keys = load_keys(pair / "a");
  REQUIRE(!keys.ok());
  CHECK(keys.error().code == ExitCode::bad_input);
  check_sentence(keys.error(), {"certificate.pem", "expired", "lockstitch keys"});
  Keys expired = pair.of("b");
  expired.certificate = contents_of(pair / "a/certificate.pem");
  expired.key = contents_of(pair / "a/key.pem");
  CHECK(meet(pair.of("b"), expired) == Meeting::refused);
  CHECK(meet(expired, pair.of("b")) == Meeting::refused);
}

TEST_CASE("a certificate of the future points at the clock") {
  const Pair pair;
  replace_certificate(pair, 5, 20);
  const auto keys = load_keys(pair / "a");
  REQUIRE(!keys.ok());
  check_sentence(keys.error(), {"certificate.pem", "not valid yet", "clock"});
}

TEST_CASE("a key that was swapped is refused") {
  const Pair pair;
  std::filesystem::copy_file(pair / "b/key.pem", pair / "a/key.pem", std::filesystem::copy_options::overwrite_existing);
  const auto keys = load_keys(pair / "a");
  REQUIRE(!keys.ok());
  CHECK(keys.error().code == ExitCode::bad_input);
  check_sentence(keys.error(), {"key.pem", "does not belong", "copy"});
}

TEST_CASE("an authority that was swapped is refused") {
  const Pair pair, other;
  std::filesystem::copy_file(other / "authority.pem", pair / "a/authority.pem",
                             std::filesystem::copy_options::overwrite_existing);
  const auto keys = load_keys(pair / "a");
  REQUIRE(!keys.ok());
  CHECK(keys.error().code == ExitCode::bad_input);
  check_sentence(keys.error(), {"certificate.pem", "not made by the authority", "copy"});
}

TEST_CASE("files that are missing or no PEM are named") {
  for (const char* file : {"authority.pem", "certificate.pem", "key.pem"}) {
    CAPTURE(file);
    const Pair pair;
    const std::string path = pair / "a" + "/" + file;
    put(path, contents_of(path).substr(0, 60));
    auto keys = load_keys(pair / "a");
    REQUIRE(!keys.ok());
    CHECK(keys.error().code == ExitCode::bad_input);
    check_sentence(keys.error(), {file, "lockstitch keys"});
    std::filesystem::remove(path);
    keys = load_keys(pair / "a");
    REQUIRE(!keys.ok());
    CHECK(keys.error().code == ExitCode::missing_input);
    check_sentence(keys.error(), {file, "check the path"});
  }
}

TEST_CASE("private keys are for their owner's eyes only") {
  const Pair pair;
  for (const char* file : {"a/key.pem", "b/key.pem", "authority-key.pem"}) {
    struct stat info {};
    REQUIRE(::stat((pair / file).c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
  }
}

TEST_CASE("a member can be added later, and none is overwritten") {
  const Pair pair;
  const std::string before = contents_of(pair / "a/key.pem");
  REQUIRE(make_keys({pair.folder.path(), {"c"}, 30}).ok());
  CHECK(meet(pair.of("a"), pair.of("c")) == Meeting::both_in);
  const Outcome again = make_keys({pair.folder.path(), {"d", "a"}, 30});
  REQUIRE(!again.ok());
  CHECK(again.error().code == ExitCode::bad_input);
  check_sentence(again.error(), {"/a", "exists", "remove"});
  CHECK(contents_of(pair / "a/key.pem") == before);
  CHECK_MESSAGE(!std::filesystem::exists(pair / "d"), "a refused request makes nothing");
}

TEST_CASE("a certificate never outlives its authority") {
  const Pair pair;
  REQUIRE(make_keys({pair.folder.path(), {"c"}, 3000}).ok());
  const Certificate authority = certificate_of(contents_of(pair / "authority.pem"));
  const Certificate late = certificate_of(contents_of(pair / "c/certificate.pem"));
  CHECK(ASN1_TIME_compare(X509_get0_notAfter(late.get()), X509_get0_notAfter(authority.get())) == 0);
}

TEST_CASE("names that are no names, days that are none and folders that cannot be are refused") {
  const TemporaryFolder folder;
  for (const std::string name : {"", "A", "a b", "../a", "-a", "a.b", "\xc3\xa4"}) {
    CAPTURE(name);
    const Outcome made = make_keys({folder / "k", {name}, 30});
    REQUIRE(!made.ok());
    CHECK(made.error().code == ExitCode::usage);
    check_sentence(made.error(), {"a-z"});
  }
  CHECK(!make_keys({folder / "k", {std::string(64, 'a')}, 30}).ok());
  CHECK(!make_keys({folder / "k", {"a", "a"}, 30}).ok());
  CHECK(!make_keys({folder / "k", {"a"}, 0}).ok());
  CHECK(!std::filesystem::exists(folder / "k"));
  CHECK(make_keys({folder / "k", {std::string(63, 'a')}, 30}).ok());
  const Outcome nowhere = make_keys({folder / "no/such", {"a"}, 30});
  REQUIRE(!nowhere.ok());
  check_sentence(nowhere.error(), {"no/such", "another folder"});
}

}  // namespace
}  // namespace lockstitch::sync
