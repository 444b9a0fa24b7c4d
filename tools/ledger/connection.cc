// See connection.h.
#include "tools/ledger/connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace lockstitch::ledger {

namespace {

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

}  // namespace

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

Result<Connection> Connection::open(const Address& address, std::int64_t deadline_ns, int stop_fd) {
  const std::string port = std::to_string(address.port);
  const char* const keywords[] = {"host",       "port",       "user",    "dbname",           "sslmode",
                                  "gssencmode", "keepalives", "options", "application_name", nullptr};
  // Acknowledged is to mean durable, whatever the server's default.
  const char* const values[] = {address.host.c_str(),
                                port.c_str(),
                                "postgres",
                                "postgres",
                                "disable",
                                "disable",
                                "0",
                                "-c synchronous_commit=on -c client_min_messages=warning",
                                "ledger",
                                nullptr};
  Connection made(PQconnectStartParams(keywords, values, 0));
  const auto failed = [&](const std::string& why) {
    return Error{ExitCode::unavailable,
                 fmt::format("No connection to PostgreSQL at {}:{}: {}.", address.host, address.port, why)};
  };
  if (made.connection_ == nullptr || PQstatus(made.connection_.get()) == CONNECTION_BAD) return failed(made.problem());
  for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
       state = PQconnectPoll(made.connection_.get())) {
    if (state == PGRES_POLLING_FAILED) return failed(made.problem());
    switch (made.poll(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ns, stop_fd)) {
      case Wait::answered:
        break;
      case Wait::stopped:
        return failed("stopped meanwhile");
      default:
        return failed("no answer in time");
    }
  }
  PQsetnonblocking(made.connection_.get(), 1);
  return made;
}

bool Connection::send_prepared(const std::string& name, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  answer_.reset();
  return PQsendQueryPrepared(connection_.get(), name.c_str(), int(values.size()), values.data(), nullptr, nullptr, 0) ==
         1;
}

Connection::Wait Connection::wait(std::int64_t deadline_ns, int stop_fd) {
  while (true) {
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) return Wait::broken;
    while (!PQisBusy(connection_.get())) {
      PGresult* const next = PQgetResult(connection_.get());
      if (next == nullptr) {
        // A lost connection is a result too, and the last.
        return answer_ && PQstatus(connection_.get()) == CONNECTION_OK ? Wait::answered : Wait::broken;
      }
      answer_.reset(next);
    }
    const Wait ready = poll(unsent == 1 ? POLLIN | POLLOUT : POLLIN, deadline_ns, stop_fd);
    if (ready != Wait::answered) return ready;
    if (PQconsumeInput(connection_.get()) != 1) return Wait::broken;
  }
}

Connection::Wait Connection::wait_idle(std::int64_t deadline_ns, int stop_fd) {
  while (true) {
    const Wait ready = poll(POLLIN, deadline_ns, stop_fd);
    if (ready != Wait::answered) return ready;
    if (PQconsumeInput(connection_.get()) != 1) return Wait::broken;
    // A server that shuts down says so before it closes; what else it says by itself is of no interest.
    if (PGresult* const said = PQgetResult(connection_.get())) PQclear(said);
    if (PQstatus(connection_.get()) != CONNECTION_OK) return Wait::broken;
  }
}

Result<const PGresult*> Connection::ask(const std::string& statement, std::int64_t deadline_ns, int stop_fd) {
  answer_.reset();
  const bool sent = PQsendQuery(connection_.get(), statement.c_str()) == 1;
  const Wait ended = sent ? wait(deadline_ns, stop_fd) : Wait::broken;
  if (ended == Wait::stopped) return Error{ExitCode::interrupted, "Stopped before the database was ready."};
  if (ended == Wait::deadline) return Error{ExitCode::unavailable, "The database did not answer in time."};
  const ExecStatusType status = PQresultStatus(answer());
  if (ended == Wait::broken || (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)) {
    return Error{ExitCode::unavailable, fmt::format("The database did not take `{}`: {}.", statement, problem())};
  }
  return answer();
}

std::string Connection::problem() const {
  if (connection_ == nullptr) return "out of memory";
  return one_line(PQerrorMessage(connection_.get()));
}

Connection::Wait Connection::poll(short events, std::int64_t deadline_ns, int stop_fd) {
  while (true) {
    const std::int64_t left_ns = std::max<std::int64_t>(0, deadline_ns - now_ns());
    const timespec left{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
    pollfd fds[] = {{PQsocket(connection_.get()), events, 0}, {stop_fd, POLLIN, 0}};
    const int ready = ::ppoll(fds, 2, &left, nullptr);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Wait::broken;
    if (fds[0].revents != 0) return Wait::answered;
    if (fds[1].revents != 0) return Wait::stopped;
    if (left_ns == 0) return Wait::deadline;
  }
}

}  // namespace lockstitch::ledger
