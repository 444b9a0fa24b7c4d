// See terminal.h.
#include "vmm/world/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "vmm/world/raw_mode.h"

namespace lockstitch::world {

namespace {

constexpr std::uint8_t escape_key = 0x01;  // Ctrl-A
/// Unit: bytes. One arrival.
constexpr std::size_t piece_bytes = 4096;
/// Unit: bytes. Input held while the inbox is full; past it we stop reading.
constexpr std::size_t held_max_bytes = 64 << 10;
/// Unit: ms. How soon held input is offered again.
constexpr int retry_ms = 10;

constexpr std::string_view help =
    "\r\n"
    "Ctrl-A x       end the machine\r\n"
    "Ctrl-A p       press its power button\r\n"
    "Ctrl-A h       this help\r\n"
    "Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n";

}  // namespace

Result<std::unique_ptr<Terminal>> Terminal::open(const TerminalOptions& options, Inbox& inbox, Outbox& outbox,
                                                 StopRequest& stop) {
  Descriptor log;
  if (!options.log_path.empty()) {
    log = Descriptor(::open(options.log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!log) {
      return Error{ExitCode::unavailable, fmt::format("The console's log file '{}' cannot be made ({}).",
                                                      options.log_path, std::strerror(errno))};
    }
  }
  std::unique_ptr<Terminal> terminal(new Terminal(options, inbox, outbox, stop));
  terminal->log_ = std::move(log);
  return terminal;
}

Terminal::Terminal(const TerminalOptions& options, Inbox& inbox, Outbox& outbox, StopRequest& stop)
    : options_(options), inbox_(inbox), outbox_(outbox), stop_(stop), output_(options.out_fd) {
  input_open_ = options.in_fd >= 0;
  is_terminal_ = input_open_ && enter_raw_mode(options.in_fd);
}

Terminal::~Terminal() {
  if (is_terminal_) leave_raw_mode();
}

void Terminal::resume() {
  if (!is_terminal_) return;
  enter_raw_mode(options_.in_fd);
  input_open_ = true;
}

void Terminal::want(std::vector<pollfd>& fds) {
  output_.flush();
  lost_bytes_ = output_.lost_bytes();
  if (output_.pending() != backlog_told_) {
    backlog_told_ = output_.pending();
    outbox_.set_stream_backlog(options_.port, backlog_told_);
  }
  if (output_.pending() > 0) fds.push_back({output_.fd(), POLLOUT, 0});
  input_polled_ = input_open_ && held_.size() < held_max_bytes;
  if (input_polled_) fds.push_back({options_.in_fd, POLLIN, 0});
}

int Terminal::timeout_ms() { return held_.empty() ? -1 : retry_ms; }

void Terminal::ready(std::span<const pollfd> fds) {
  push_held();
  if (input_polled_ && fds.back().revents != 0) read_input();
}

void Terminal::read_input() {
  std::array<std::uint8_t, piece_bytes> bytes;
  const ssize_t got = ::read(options_.in_fd, bytes.data(), bytes.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    input_open_ = false;
    return;
  }
  for (ssize_t i = 0; i < got; ++i) typed(bytes[static_cast<std::size_t>(i)]);
  push_held();
}

void Terminal::typed(std::uint8_t byte) {
  if (is_terminal_ && escaped_) {
    escaped_ = false;
    if (byte != escape_key) return command(byte);
  } else if (is_terminal_ && byte == escape_key) {
    escaped_ = true;
    return;
  }
  held_.push_back(byte);
}

void Terminal::command(std::uint8_t key) {
  switch (key) {
    case 'x':
      return stop_.ask(StopReason::escape_key);
    case 'p':
      if (!inbox_.try_push({control_port, {ControlKind::power_button, 0}, {}}))
        say("\r\nThe machine does not listen.\r\n");
      return;
    case 'h':
    case '?':
      return say(help);
    default:
      return;
  }
}

void Terminal::say(std::string_view text) {
  output_.append({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void Terminal::push_held() {
  while (!held_.empty()) {
    const auto end = held_.begin() + static_cast<std::ptrdiff_t>(std::min(held_.size(), piece_bytes));
    if (!inbox_.try_push({options_.port, {}, {held_.begin(), end}})) return;
    held_.erase(held_.begin(), end);
  }
}

void Terminal::send(Bytes payload) {
  output_.append(payload);
  lost_bytes_ = output_.lost_bytes();
  while (log_ && !payload.empty()) {
    const ssize_t taken = ::write(log_.get(), payload.data(), payload.size());
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) {
      say(fmt::format("\r\nThe console's log ends here: '{}' takes no more ({}).\r\n", options_.log_path,
                      std::strerror(errno)));
      log_ = Descriptor();
      break;
    }
    payload = payload.subspan(static_cast<std::size_t>(taken));
  }
}

}  // namespace lockstitch::world
