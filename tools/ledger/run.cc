// See run.h. At most one transaction is open at any time; so of all rows that the history does not have, only the next
// may be in the table.
#include "tools/ledger/run.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tools/ledger/history.h"
#include "tools/ledger/tally.h"

namespace lockstitch::ledger {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
/// For the connection and the table; later for the last answer.
constexpr std::int64_t patience_ns = 30 * second_ns;
/// A history that is killed with its process lacks at most this much.
constexpr std::int64_t flush_every_ns = second_ns / 10;

class HistoryFile {
 public:
  explicit HistoryFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "we")), errno_(errno) {}
  ~HistoryFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  HistoryFile(const HistoryFile&) = delete;
  HistoryFile& operator=(const HistoryFile&) = delete;

  void add(const Acknowledgement& acknowledgement) {
    const std::string line = history_line(acknowledgement);
    if (file_ != nullptr) std::fwrite(line.data(), 1, line.size(), file_);
    dirty_ = true;
  }
  /// Result: false if the file lacks anything that was ever added.
  bool flush() {
    dirty_ = false;
    flushed_ns_ = now_ns();
    if (file_ == nullptr) return false;
    if (std::fflush(file_) != 0) errno_ = errno;
    return std::ferror(file_) == 0;
  }
  /// When flush() is due; far away if nothing waits.
  std::int64_t flush_due_ns() const { return dirty_ ? flushed_ns_ + flush_every_ns : INT64_MAX; }
  Error error() const {
    return {ExitCode::world, fmt::format("The history {} cannot be written: {}.", path_, std::strerror(errno_))};
  }

 private:
  std::string path_;
  std::FILE* file_;
  int errno_;
  bool dirty_ = false;
  std::int64_t flushed_ns_ = 0;
};

class Run {
 public:
  Run(const RunOptions& options, int stop_fd, Connection connection, HistoryFile& history)
      : options_(options), stop_fd_(stop_fd), connection_(std::move(connection)), history_(history) {}

  Result<int> all() {
    if (auto first = prepare(); first.ok()) {
      next_id_ = first.value();
    } else {
      return first.error();
    }
    started_ns_ = next_send_ns_ = now_ns();
    next_report_ns_ = options_.verbose ? started_ns_ + second_ns : INT64_MAX;
    end_ns_ = options_.seconds == 0 ? INT64_MAX : started_ns_ + options_.seconds * second_ns;
    while (!broken_ && !stuck_ && go_on()) {
      if (auto problem = one_transaction()) return *problem;
    }
    if (!history_.flush()) return history_.error();
    print_account();
    return broken_ || stuck_ ? 1 : 0;
  }

 private:
  /// Result: the first id of this run.
  Result<std::int64_t> prepare() {
    const std::int64_t deadline_ns = now_ns() + patience_ns;
    auto made = connection_.ask("create table if not exists ledger(id bigint primary key, client text, sent_ns bigint)",
                                deadline_ns, stop_fd_);
    if (!made) return made.error();
    auto prepared = connection_.ask("prepare put(bigint, text, bigint) as insert into ledger values ($1, $2, $3)",
                                    deadline_ns, stop_fd_);
    if (!prepared) return prepared.error();
    auto last = connection_.ask("select coalesce(max(id), 0) from ledger", deadline_ns, stop_fd_);
    if (!last) return last.error();
    return std::strtoll(PQgetvalue(last.value(), 0, 0), nullptr, 10) + 1;
  }

  /// Waits for the moment of the next transaction. Result: false if there is to be none.
  bool go_on() {
    if (options_.rate > 0) next_send_ns_ = std::max(next_send_ns_ + second_ns / options_.rate, now_ns());
    while (true) {
      const std::int64_t now = keep_house();
      if (stopped() || now >= end_ns_) return false;
      if (now >= next_send_ns_) return true;
      // Nothing is open, so the server has nothing to say but that it ends.
      const auto ended = connection_.wait_idle(std::min({next_send_ns_, end_ns_, due_ns()}), stop_fd_);
      stopped_ = ended == Connection::Wait::stopped;
      broken_ = ended == Connection::Wait::broken;
      if (stopped_ || broken_) return false;
    }
  }

  /// Result: why the run cannot go on, if it is not the connection.
  std::optional<Error> one_transaction() {
    const std::int64_t sent_ns = now_ns();
    open_ = true;
    if (!connection_.send_prepared("put", {std::to_string(next_id_), client_, std::to_string(sent_ns)})) {
      broken_ = true;
      return std::nullopt;
    }
    for (std::int64_t give_up_ns = INT64_MAX;;) {
      const std::int64_t now = keep_house();
      const bool ending = stopped_ || now >= end_ns_;
      if (ending && give_up_ns == INT64_MAX) give_up_ns = now + patience_ns;
      const std::int64_t until_ns = ending ? give_up_ns : end_ns_;
      switch (connection_.wait(std::min(until_ns, due_ns()), stopped_ ? -1 : stop_fd_)) {
        case Connection::Wait::answered:
          return acknowledge(sent_ns);
        case Connection::Wait::broken:
          broken_ = true;
          return std::nullopt;
        case Connection::Wait::stopped:
          stopped_ = true;
          break;
        case Connection::Wait::deadline:
          stuck_ = now_ns() >= give_up_ns;
          if (stuck_) return std::nullopt;
      }
    }
  }

  std::optional<Error> acknowledge(std::int64_t sent_ns) {
    const Acknowledgement acknowledgement{next_id_, sent_ns, now_ns()};
    if (PQresultStatus(connection_.answer()) != PGRES_COMMAND_OK) {
      history_.flush();
      return Error{ExitCode::unavailable,
                   fmt::format("The database refused row {}: {}.", next_id_, connection_.problem())};
    }
    open_ = false;
    ++next_id_;
    tally_.add(acknowledgement);
    history_.add(acknowledgement);
    if (now_ns() >= history_.flush_due_ns() && !history_.flush()) return history_.error();
    return std::nullopt;
  }

  /// What is due by the clock. Result: the time.
  std::int64_t keep_house() {
    const std::int64_t now = now_ns();
    if (now >= history_.flush_due_ns()) history_.flush();  // a failure stays visible until the end
    if (now >= next_report_ns_) {
      fmt::print("{{\"second\":{},\"acknowledged\":{},\"in_flight\":{}}}\n", (now - started_ns_) / second_ns,
                 tally_.acknowledged(), int(open_));
      std::fflush(stdout);
      while (next_report_ns_ <= now) next_report_ns_ += second_ns;
    }
    return now;
  }
  std::int64_t due_ns() const { return std::min(history_.flush_due_ns(), next_report_ns_); }

  bool stopped() {
    pollfd stop{stop_fd_, POLLIN, 0};
    stopped_ = stopped_ || ::poll(&stop, 1, 0) == 1;
    return stopped_;
  }

  void print_account() const {
    fmt::print(
        "{{\"acknowledged\":{},\"in_flight_at_end\":{},\"connections_broken\":{},\"longest_gap_ms\":{:.3f},"
        "\"gap_at_ns\":{},\"p50_ms\":{:.3f},\"p99_ms\":{:.3f},\"seconds\":{:.3f}}}\n",
        tally_.acknowledged(), int(open_), int(broken_), double(tally_.longest_gap_ns()) / 1e6, tally_.gap_at_ns(),
        double(tally_.latency_ns(50)) / 1e6, double(tally_.latency_ns(99)) / 1e6, double(now_ns() - started_ns_) / 1e9);
    std::fflush(stdout);
  }

  const RunOptions& options_;
  const int stop_fd_;
  Connection connection_;
  HistoryFile& history_;
  Tally tally_;
  const std::string client_ = fmt::format("ledger {}", ::getpid());
  std::int64_t next_id_ = 0;
  std::int64_t started_ns_ = 0, end_ns_ = 0, next_send_ns_ = 0, next_report_ns_ = 0;
  bool open_ = false, broken_ = false, stuck_ = false, stopped_ = false;
};

}  // namespace

Result<int> run(const RunOptions& options, int stop_fd) {
  HistoryFile history(options.history_path);
  if (!history.flush()) return history.error();
  auto connection = Connection::open(options.address, now_ns() + patience_ns, stop_fd);
  if (!connection) return connection.error();
  return Run(options, stop_fd, std::move(connection).value(), history).all();
}

}  // namespace lockstitch::ledger
