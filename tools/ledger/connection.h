// One connection to PostgreSQL, never made again, which waits no longer than told. Source: PostgreSQL 15 manual,
// chapter 34 (libpq). libpq sets TCP_NODELAY by itself; keepalives and TCP_USER_TIMEOUT are left off, so only the peer
// or the kernel's own patience ends the connection.
#pragma once
#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::ledger {

std::int64_t now_ns();

struct Address {
  std::string host;
  int port;
};

class Connection {
 public:
  /// Waits for the server until the deadline, or until `stop_fd` (-1: none) is readable.
  static Result<Connection> open(const Address& address, std::int64_t deadline_ns, int stop_fd);

  /// Sends a statement that was prepared under that name. The answer must have come before the next is sent.
  /// Result: false if the connection is broken.
  bool send_prepared(const std::string& name, const std::vector<std::string>& parameters);

  enum class Wait { answered, broken, deadline, stopped };
  /// Waits for the answer, which is in answer() then.
  Wait wait(std::int64_t deadline_ns, int stop_fd);
  /// Waits with no statement out, so never `answered`.
  Wait wait_idle(std::int64_t deadline_ns, int stop_fd);
  const PGresult* answer() const { return answer_.get(); }
  /// Why the answer is none, or the connection broken.
  std::string problem() const;

  /// A statement and its rows.
  Result<const PGresult*> ask(const std::string& statement, std::int64_t deadline_ns, int stop_fd);

 private:
  explicit Connection(PGconn* connection) : connection_(connection) {}
  /// Result: as of wait(), `answered` if the socket is ready.
  Wait poll(short events, std::int64_t deadline_ns, int stop_fd);

  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
  std::unique_ptr<PGresult, Finish> answer_;
};

}  // namespace lockstitch::ledger
