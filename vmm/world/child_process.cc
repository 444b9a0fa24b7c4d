// See child_process.h.
#include "vmm/world/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace lockstitch::world {

namespace {

/// Unit: ms. From asking a program to end to ending it. A slow disk must have got what the program still holds.
constexpr int asked_ms = 30'000;
/// systemd's protocol, sd_listen_fds(3): the first descriptor that is handed over.
constexpr int listening_fd = 3;
constexpr int exec_failed = 127;

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string program = rest.substr(0, colon) + "/" + name;
    if (::access(program.c_str(), X_OK) == 0) return program;
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

void sleep_ms(int ms) {
  timespec time{ms / 1000, ms % 1000 * 1'000'000l};
  while (::nanosleep(&time, &time) != 0 && errno == EINTR) continue;
}

/// Everything the child needs, made before the fork, behind which only async-signal-safe functions may be called.
struct Launch {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<char*> argv, envp;
  std::array<char, 32> pid_text{};  ///< LISTEN_PID=...
  int listening = -1;
  int output = -1;
  int nowhere = -1;
  pid_t parent = 0;

  void finish() {
    for (std::string& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    for (char** each = ::environ; *each != nullptr; ++each) {
      const std::string_view text = *each;
      if (!text.starts_with("LISTEN_") && !text.starts_with("LC_") && !text.starts_with("LANG"))
        environment.emplace_back(text);
    }
    environment.emplace_back("LC_ALL=C");  // we look for words in what it says
    if (listening >= 0) environment.emplace_back("LISTEN_FDS=1");
    for (std::string& each : environment) envp.push_back(each.data());
    if (listening >= 0) envp.push_back(pid_text.data());
    envp.push_back(nullptr);
  }

  void write_pid() {
    constexpr std::string_view key = "LISTEN_PID=";
    std::memcpy(pid_text.data(), key.data(), key.size());
    std::array<char, 12> digits{};
    std::size_t count = 0;
    for (auto left = static_cast<unsigned>(::getpid()); left != 0; left /= 10)
      digits[count++] = static_cast<char>('0' + left % 10);
    for (std::size_t i = 0; i < count; ++i) pid_text[key.size() + i] = digits[count - 1 - i];
  }

  [[noreturn]] void run() {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(exec_failed);
    ::setsid();  // Ctrl-C is for us
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    // The three may themselves be numbered 0 to 3: first out of the way.
    const int out = ::fcntl(output, F_DUPFD_CLOEXEC, 10), in = ::fcntl(nowhere, F_DUPFD_CLOEXEC, 10);
    const int handed = listening >= 0 ? ::fcntl(listening, F_DUPFD_CLOEXEC, 10) : -1;
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (handed >= 0) ::dup2(handed, listening_fd);
    write_pid();
    ::execve(program.c_str(), argv.data(), envp.data());
    ::_exit(exec_failed);
  }
};

Error no_process(const std::string& name) {
  return {ExitCode::unavailable,
          fmt::format("The program '{}' cannot be started ({}); end other processes.", name, std::strerror(errno))};
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& arguments, int listening,
                                         std::string_view package) {
  Launch launch;
  launch.program = find_program(arguments[0]);
  if (launch.program.empty()) {
    return Error{ExitCode::unavailable,
                 fmt::format("The program '{}' is not installed, which images of other formats than raw need; install "
                             "the package {}, or convert the image to raw.",
                             arguments[0], package)};
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return no_process(arguments[0]);
  ChildProcess child;
  child.output_ = Descriptor(ends[0]);
  const Descriptor theirs(ends[1]);
  // What does not fit is lost: nobody reads while it runs, and it must not wait for that.
  ::fcntl(theirs.get(), F_SETFL, O_NONBLOCK);
  const Descriptor nowhere(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nowhere) return no_process(arguments[0]);
  launch.arguments = arguments;
  launch.listening = listening;
  launch.output = theirs.get();
  launch.nowhere = nowhere.get();
  launch.parent = ::getpid();
  launch.finish();
  child.pid_ = ::fork();
  if (child.pid_ == 0) launch.run();
  if (child.pid_ < 0) return no_process(arguments[0]);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      output_(std::move(other.output_)),
      said_(std::move(other.said_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(output_, other.output_);
  std::swap(said_, other.said_);
  return *this;
}

ChildProcess::~ChildProcess() { end(0); }

int ChildProcess::wait() {
  while (pid_ > 0) {
    if (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

bool ChildProcess::ended_within(int ms) {
  constexpr int step_ms = 2;
  for (;; ms -= step_ms) {
    if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) != 0) pid_ = -1;
    if (pid_ < 0) return true;
    if (ms <= 0) return false;
    sleep_ms(step_ms);
  }
}

void ChildProcess::end(int grace_ms) {
  if (ended_within(grace_ms)) return;
  ::kill(pid_, SIGTERM);
  if (ended_within(asked_ms)) return;
  ::kill(pid_, SIGKILL);
  wait();
}

const std::string& ChildProcess::said() {
  std::array<char, 4096> block;
  while (output_) {
    const ssize_t got = ::read(output_.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      output_ = Descriptor();
      break;
    }
    said_.append(block.data(), static_cast<std::size_t>(got));
  }
  return said_;
}

}  // namespace lockstitch::world
