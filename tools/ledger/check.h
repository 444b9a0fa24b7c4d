// `ledger check`: compares a history with the table.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "tools/ledger/connection.h"

namespace lockstitch::ledger {

/// Prints the comparison on stdout. Result: 0 if nothing is wrong with the table, else 1. Fails: no database, no
/// history.
Result<int> check(const Address& address, const std::string& history_path, int stop_fd);

}  // namespace lockstitch::ledger
