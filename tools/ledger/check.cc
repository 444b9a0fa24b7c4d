// See check.h.
#include "tools/ledger/check.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tools/ledger/history.h"

namespace lockstitch::ledger {

namespace {

constexpr std::int64_t patience_ns = 60'000'000'000;

Result<std::string> contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf() || file.peek() == EOF)) {
    return Error{ExitCode::missing_input,
                 fmt::format("The history {} cannot be read: {}.", path, std::strerror(errno))};
  }
  return text.str();
}

Result<std::vector<Row>> rows_of_table(Connection& connection, int stop_fd) {
  const auto ask = [&](const char* statement) { return connection.ask(statement, now_ns() + patience_ns, stop_fd); };
  // The rows themselves and not the index: it would hide a row that is there twice.
  auto plan = ask("set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off");
  if (!plan) return plan.error();
  auto there = ask("select to_regclass('ledger') is not null");
  if (!there) return there.error();
  if (std::strcmp(PQgetvalue(there.value(), 0, 0), "t") != 0) return std::vector<Row>{};
  auto table = ask("select id, sent_ns from ledger");
  if (!table) return table.error();

  std::vector<Row> rows;
  const auto number = [&](int row, int column) {
    return std::int64_t{std::strtoll(PQgetvalue(table.value(), row, column), nullptr, 10)};
  };
  for (int i = 0; i < PQntuples(table.value()); ++i) rows.push_back({number(i, 0), number(i, 1)});
  return rows;
}

}  // namespace

Result<int> check(const Address& address, const std::string& history_path, int stop_fd) {
  auto text = contents(history_path);
  if (!text) return text.error();
  auto history = parse_history(text.value());
  if (!history) return history.error();
  auto connection = Connection::open(address, now_ns() + patience_ns, stop_fd);
  if (!connection) return connection.error();
  auto rows = rows_of_table(connection.value(), stop_fd);
  if (!rows) return rows.error();

  const Comparison result = compare(history.value(), std::move(rows).value());
  fmt::print(
      "{{\"acknowledged\":{},\"in_table\":{},\"lost\":{},\"duplicated\":{},\"unexpected\":{},\"altered\":{},"
      "\"in_flight\":{},\"earlier\":{}}}\n",
      result.acknowledged, result.in_table, result.lost, result.duplicated, result.unexpected, result.altered,
      result.in_flight, result.earlier);
  return result.holds() ? 0 : 1;
}

}  // namespace lockstitch::ledger
