// What the client knows: the transactions that the database has acknowledged; and the comparison of that with what the
// database has. Pure: text and rows in, verdict out. A history is of one run, on one connection with one
// transaction open at a time, so at most one more than the acknowledged ones can have been committed: the next.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::ledger {

struct Acknowledgement {
  std::int64_t id;
  /// Unit: CLOCK_MONOTONIC ns of the client, as in all of this program.
  std::int64_t sent_ns, acked_ns;
};

struct Row {
  std::int64_t id;
  std::int64_t sent_ns;
};

struct Comparison {
  std::uint64_t acknowledged = 0;
  std::uint64_t in_table = 0;
  /// Acknowledged, but not in the table.
  std::uint64_t lost = 0;
  /// Ids that are in the table more than once.
  std::uint64_t duplicated = 0;
  /// Acknowledged and in the table, but not as they were sent.
  std::uint64_t altered = 0;
  /// Rows from the history's first id on that were neither acknowledged nor the one that may have been in flight.
  std::uint64_t unexpected = 0;
  /// 1 if the one that may have been in flight is in the table.
  std::uint64_t in_flight = 0;
  /// Rows below the history's first id: of earlier runs, not judged.
  std::uint64_t earlier = 0;

  bool holds() const { return lost == 0 && duplicated == 0 && altered == 0 && unexpected == 0; }
};

/// A line of the history, newline included.
std::string history_line(const Acknowledgement& acknowledgement);

/// Reads a history. A last line without its newline was cut off while it was written and does not count.
/// Fails: what is no history, and ids that do not count on by one.
Result<std::vector<Acknowledgement>> parse_history(std::string_view text);

/// `rows` in any order. Without any acknowledgement the last row may be the one in flight.
Comparison compare(const std::vector<Acknowledgement>& history, std::vector<Row> rows);

}  // namespace lockstitch::ledger
