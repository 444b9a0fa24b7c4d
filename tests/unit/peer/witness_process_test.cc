// The witness as a process of its own: what it prints, how it ends, and what a killed one leaves.
#include "sync/peer/witness_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "tests/unit/peer/arbiter_stand.h"

namespace lockstitch::sync {
namespace {

using test::PairKeys;
using test::TemporaryFolder;

class Process {
 public:
  explicit Process(const WitnessOptions& options) {
    int lines[2];
    REQUIRE(::pipe2(lines, O_CLOEXEC) == 0);
    id_ = ::fork();
    REQUIRE(id_ >= 0);
    if (id_ == 0) {
      ::dup2(lines[1], 2);
      ::_exit(serve(options));
    }
    ::close(lines[1]);
    lines_ = ::fdopen(lines[0], "r");
  }
  ~Process() {
    if (id_ > 0) end(SIGKILL);
    std::fclose(lines_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::string line() {
    std::string text;
    for (int c = std::fgetc(lines_); c != EOF && c != '\n'; c = std::fgetc(lines_)) text += static_cast<char>(c);
    return text;
  }
  void signal(int number) { ::kill(id_, number); }
  /// The status as of waitpid().
  int end(int signal) {
    if (signal != 0) ::kill(id_, signal);
    int status = 0;
    ::waitpid(id_, &status, 0);
    id_ = -1;
    return status;
  }

 private:
  /// In the child, which must never return to the tests.
  static int serve(const WitnessOptions& options) {
    try {
      const auto ended = serve_witness(options);
      return ended.ok() ? ended.value() : static_cast<int>(ended.error().code);
    } catch (...) {
      return static_cast<int>(ExitCode::internal);
    }
  }

  pid_t id_ = -1;
  std::FILE* lines_ = nullptr;
};

struct Setup {
  PairKeys keys;
  TemporaryFolder folder;
  WitnessOptions options{"127.0.0.1:0", keys.folder_of("witness"), folder / "state"};

  /// Of the process that is about to say where it listens.
  std::string address_of(Process& process) const {
    const std::string line = process.line();
    const std::string begin = "lockstitch: witness: listening on ";
    REQUIRE_MESSAGE(line.starts_with(begin), line);
    return line.substr(begin.size());
  }
  // Each with an event loop of its own, for there must be none when a process is made.
  ClaimAnswer claim(const std::string& address, Term expected, const std::string& holder) const {
    auto io = kj::setupAsyncIo();
    return arbiter(address, io)->claim(expected, holder).wait(io.waitScope);
  }
  ClaimAnswer read(const std::string& address) const {
    auto io = kj::setupAsyncIo();
    return arbiter(address, io)->read().wait(io.waitScope);
  }

 private:
  kj::Own<Arbiter> arbiter(const std::string& address, kj::AsyncIoContext& io) const {
    auto made = make_arbiter("witness:" + address, "pair", keys.of("a"), io);
    REQUIRE(made.ok());
    return std::move(made).value();
  }
};

TEST_CASE("a witness says where it listens and what it grants, and ends well with SIGTERM and SIGINT") {
  for (const int signal : {SIGTERM, SIGINT}) {
    Setup setup;
    Process process(setup.options);
    const std::string address = setup.address_of(process);
    CHECK(address.starts_with("127.0.0.1:"));
    CHECK(setup.claim(address, 0, "a").claim == Claim::granted);
    CHECK(process.line() == "lockstitch: witness: pair pair: term 1 is held by a");
    CHECK(setup.claim(address, 0, "b").claim == Claim::denied);
    CHECK(setup.claim(address, 1, "b").claim == Claim::granted);
    CHECK(process.line() == "lockstitch: witness: pair pair: term 2 is held by b");
    const int status = process.end(signal);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(process.line().empty());
  }
}

TEST_CASE("a witness that was killed and started again knows every term that it granted") {
  Setup setup;
  for (Term term = 0; term < 4; ++term) {
    Process process(setup.options);
    const std::string address = setup.address_of(process);
    CHECK(setup.read(address).record.term == term);
    CHECK(setup.claim(address, term, "a").claim == Claim::granted);
    process.end(SIGKILL);
    CHECK(setup.read(address).claim == Claim::unreachable);
  }
}

TEST_CASE("a witness that stands still is unreachable, and answers when it goes on") {
  Setup setup;
  Process process(setup.options);
  const std::string address = setup.address_of(process);
  CHECK(setup.claim(address, 0, "a").claim == Claim::granted);
  process.signal(SIGSTOP);
  CHECK(setup.claim(address, 1, "a").claim == Claim::unreachable);
  process.signal(SIGCONT);
  CHECK(setup.read(address).record == ArbiterRecord{1, "a"});
}

TEST_CASE("a witness that cannot serve says so by its exit code") {
  Setup setup;
  const auto code_of = [](const WitnessOptions& options) {
    Process process(options);
    const int status = process.end(0);
    return WIFEXITED(status) ? static_cast<ExitCode>(WEXITSTATUS(status)) : ExitCode::internal;
  };
  CHECK(code_of({"", setup.options.keys, setup.options.state}) == ExitCode::usage);
  CHECK(code_of({"127.0.0.1:x", setup.options.keys, setup.options.state}) == ExitCode::usage);
  CHECK(code_of({"127.0.0.1:0", setup.folder / "none", setup.options.state}) == ExitCode::missing_input);
  CHECK(code_of({"127.0.0.1:0", setup.options.keys, setup.folder / "no/such"}) == ExitCode::unavailable);
  Process first(setup.options);
  const std::string line = first.line();
  CHECK(code_of(setup.options) == ExitCode::unavailable);  // the same folder
  CHECK(code_of({"127.0.0.1:" + line.substr(line.rfind(':') + 1), setup.options.keys, setup.folder / "other"}) ==
        ExitCode::unavailable);  // the same port
}

}  // namespace
}  // namespace lockstitch::sync
