// See program.h.
#include "tests/e2e/cli/program.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace lockstitch::test {

namespace {

using namespace std::chrono_literals;
constexpr auto patience = 120s;

template <class Condition>
bool within_patience(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

}  // namespace

std::string built_guest(const std::string& name) { return std::string(LOCKSTITCH_BINARY_DIR) + "/guests/" + name; }

Program::Program(std::vector<std::string> arguments, const std::string& input, int terminal_fd) {
  for (const std::string& argument : arguments) shown_ += " " + argument;
  arguments.insert(arguments.begin(), std::string(LOCKSTITCH_BINARY_DIR) + "/lockstitch");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const std::string in = folder_.file("in", {input.begin(), input.end()});

  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ != 0) return;
  const auto redirect = [](int fd, int to) {
    if (fd < 0 || ::dup2(fd, to) != to) ::_exit(126);
  };
  if (terminal_fd >= 0) {
    ::setsid();
    redirect(terminal_fd, 0);
    redirect(terminal_fd, 1);
  } else {
    redirect(::open(in.c_str(), O_RDONLY), 0);
    redirect(::open(folder_.file("out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
  }
  redirect(::open(folder_.file("err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
  for (int fd = 3; fd < 256; ++fd) ::close(fd);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

Program::~Program() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::signal(int number) { REQUIRE(::kill(pid_, number) == 0); }

void Program::wait_for_output(const std::string& wanted) {
  if (!within_patience([&] { return out().find(wanted) != std::string::npos; }))
    hung("printed nothing of what was waited for");
}

int Program::wait() {
  int status = 0;
  if (!within_patience([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) hung("did not end");
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void Program::hung(const char* what) { FAIL("lockstitch", shown_, " ", what, ": ", out(), err()); }

std::string Program::text(const std::string& name) const {
  const auto bytes = folder_.contents(name);
  return {bytes.begin(), bytes.end()};
}

Outcome run(std::vector<std::string> arguments, const std::string& input) {
  Program program(std::move(arguments), input);
  const int exit_code = program.wait();
  return {exit_code, program.out(), program.err()};
}

Account run_with_summary(std::vector<std::string> arguments, const std::string& input) {
  const TemporaryFolder folder;
  arguments.insert(arguments.end(), {"--summary", folder.file("summary.json")});
  const Outcome outcome = run(std::move(arguments), input);
  const auto text = folder.contents("summary.json");
  auto summary = nlohmann::json::parse(text, nullptr, false);
  REQUIRE_MESSAGE(summary.is_object(), outcome.err);
  return {outcome, summary};
}

}  // namespace lockstitch::test
