// `ledger run`: inserts rows, one transaction each, and keeps which were acknowledged.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/result.h"
#include "tools/ledger/connection.h"

namespace lockstitch::ledger {

struct RunOptions {
  Address address;
  std::string history_path;
  /// 0: until stopped.
  std::int64_t seconds = 0;
  /// Transactions a second; 0: as fast as the answers come.
  std::int64_t rate = 0;
  bool verbose = false;
};

/// Prints the account on stdout. Result: 0; 1 if the connection broke or an answer stayed out. Fails: no database to
/// begin with, a statement that it refuses, a history that cannot be written.
Result<int> run(const RunOptions& options, int stop_fd);

}  // namespace lockstitch::ledger
