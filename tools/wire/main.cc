// wire: a cable between two TAP interfaces in two network namespaces, which delays, loses and cuts as told. It stands
// in for the kernel's netem, which not every host has.
//   wire --a PID:TAP --b PID:TAP
// Commands on stdin, one a line, each answered by `ok` or `error: ...` on stdout: delay MS, jitter MS, loss PERCENT,
// seed N, cut ab|ba|both, mend (undoes cuts), reset (undoes everything), quit. The end of the input ends it too.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <exception>
#include <string>

#include "tools/wire/cable.h"
#include "tools/wire/tap.h"

namespace {

using namespace lockstitch::wire;

constexpr std::size_t max_line_bytes = 4096;

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

/// Reads and obeys what waits on stdin. Result: false at the end.
bool take_commands(std::string& input, Cable& cable) {
  char piece[512];
  const ssize_t got = ::read(STDIN_FILENO, piece, sizeof piece);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0 || input.size() > max_line_bytes) return false;
  input.append(piece, std::size_t(got));
  std::string answer;
  Verdict verdict = Verdict::go_on;
  for (std::size_t end; verdict == Verdict::go_on && (end = input.find('\n')) != input.npos; input.erase(0, end + 1)) {
    verdict = obey(std::string_view(input).substr(0, end), cable.settings(), answer);
    cable.settings_changed();
  }
  std::fputs(answer.c_str(), stdout);
  return std::fflush(stdout) == 0 && verdict == Verdict::go_on;
}

int forward(Cable& cable, int a_fd, int b_fd) {
  std::string input;
  pollfd fds[] = {{a_fd, POLLIN, 0}, {b_fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  while (true) {
    const std::int64_t next_ns = cable.send_due(now_ns());
    const std::int64_t wait_ns = std::max<std::int64_t>(0, next_ns - now_ns());
    const timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
    if (::ppoll(fds, 3, next_ns < 0 ? nullptr : &wait, nullptr) < 0) {
      if (errno == EINTR) continue;
      std::perror("wire: ppoll");
      return 1;
    }
    for (int end = 0; end < 2; ++end) {
      if (fds[end].revents != 0 && !cable.receive(end, now_ns())) {
        std::fprintf(stderr, "wire: the TAP interface at end %c is gone\n", "ab"[end]);
        return 1;
      }
    }
    if (fds[2].revents != 0 && !take_commands(input, cable)) return 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || std::string(argv[1]) != "--a" || std::string(argv[3]) != "--b") {
    std::fputs("usage: wire --a PID:TAP --b PID:TAP\n", stderr);
    return 64;
  }
  try {
    // Both namespaces are opened before either is entered, because entering may need rights in the one left.
    const int a_namespace = namespace_of(argv[2]), b_namespace = namespace_of(argv[4]);
    const int a_fd = attach(argv[2], a_namespace), b_fd = attach(argv[4], b_namespace);
    // The default slack of 50 us would be added to every delay.
    ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    Cable cable(a_fd, b_fd);
    return forward(cable, a_fd, b_fd);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "wire: %s\n", problem.what());
    return 69;
  }
}
