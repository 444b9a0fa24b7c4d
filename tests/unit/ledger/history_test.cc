// The ledger's comparison of what was acknowledged with what is in the table: each kind of damage is seen as what it
// is.
#include "tools/ledger/history.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace lockstitch;
using namespace lockstitch::ledger;

namespace {

std::vector<Acknowledgement> acknowledged(std::int64_t first, std::int64_t last) {
  std::vector<Acknowledgement> history;
  for (std::int64_t id = first; id <= last; ++id) history.push_back({id, id * 1000, id * 1000 + 7});
  return history;
}

std::vector<Row> table(std::int64_t first, std::int64_t last) {
  std::vector<Row> rows;
  for (std::int64_t id = first; id <= last; ++id) rows.push_back({id, id * 1000});
  return rows;
}

}  // namespace

TEST_CASE("a table with just the acknowledged rows holds, in whatever order it is read") {
  auto rows = table(1, 10);
  std::reverse(rows.begin(), rows.end());
  const Comparison result = compare(acknowledged(1, 10), rows);
  CHECK(result.holds());
  CHECK(result.acknowledged == 10);
  CHECK(result.in_table == 10);
  CHECK(result.in_flight == 0);
}

TEST_CASE("an acknowledged row that is not in the table is lost, at either end and in the middle") {
  for (const std::size_t missing : {0, 4, 9}) {
    auto rows = table(1, 10);
    rows.erase(rows.begin() + std::ptrdiff_t(missing));
    const Comparison result = compare(acknowledged(1, 10), rows);
    CHECK(result.lost == 1);
    CHECK(!result.holds());
  }
  CHECK(compare(acknowledged(1, 10), {}).lost == 10);
  CHECK(compare(acknowledged(5, 10), table(1, 2)).lost == 6);
}

TEST_CASE("the row after the last acknowledged one may be there, and only that one") {
  const Comparison one = compare(acknowledged(1, 10), table(1, 11));
  CHECK(one.holds());
  CHECK(one.in_flight == 1);
  const Comparison two = compare(acknowledged(1, 10), table(1, 12));
  CHECK(two.unexpected == 1);
  CHECK(!two.holds());
  auto rows = table(1, 10);
  rows.push_back({12, 12000});
  CHECK(compare(acknowledged(1, 10), rows).unexpected == 1);
}

TEST_CASE("a row that is in the table twice is duplicated, once for each id") {
  auto rows = table(1, 10);
  rows.push_back(rows[3]);
  rows.push_back(rows[3]);
  rows.push_back({11, 11000});
  rows.push_back({11, 11000});
  const Comparison result = compare(acknowledged(1, 10), rows);
  CHECK(result.duplicated == 2);
  CHECK(result.lost == 0);
  CHECK(result.in_table == 14);
  CHECK(!result.holds());
}

TEST_CASE("an acknowledged id with something else in its row is altered") {
  auto rows = table(1, 10);
  rows[2].sent_ns = 1;
  const Comparison result = compare(acknowledged(1, 10), rows);
  CHECK(result.altered == 1);
  CHECK(result.lost == 0);
  CHECK(!result.holds());
}

TEST_CASE("rows of earlier runs are counted and not judged") {
  const Comparison result = compare(acknowledged(101, 110), table(1, 110));
  CHECK(result.holds());
  CHECK(result.earlier == 100);
}

TEST_CASE("without an acknowledgement one row may be there") {
  CHECK(compare({}, {}).holds());
  CHECK(compare({}, table(1, 1)).holds());
  CHECK(compare({}, table(1, 1)).in_flight == 1);
  CHECK(compare({}, table(1, 3)).unexpected == 2);
}

TEST_CASE("a history reads back as it was written") {
  std::string text;
  for (const Acknowledgement& each : acknowledged(7, 9)) text += history_line(each);
  CHECK(text == "7 7000 7007\n8 8000 8007\n9 9000 9007\n");
  const auto history = parse_history(text);
  REQUIRE(history.ok());
  REQUIRE(history.value().size() == 3);
  CHECK(history.value()[2].id == 9);
  CHECK(history.value()[2].sent_ns == 9000);
  CHECK(history.value()[2].acked_ns == 9007);
  CHECK(parse_history("").value().empty());
}

TEST_CASE("a last line that was cut off does not count") {
  const auto history = parse_history("1 10 20\n2 30 4");
  REQUIRE(history.ok());
  CHECK(history.value().size() == 1);
}

TEST_CASE("what is no history is refused, with the number of the line") {
  for (const char* line : {"", "1", "1 2", "1 2 3 4", "a 2 3", "1  2 3", "1 2 3 ", "1 2 99999999999999999999"}) {
    CAPTURE(line);
    const auto history = parse_history("0 1 2\n" + std::string(line) + "\n");
    REQUIRE(!history.ok());
    CHECK(history.error().code == ExitCode::bad_input);
    CHECK(history.error().text.find("Line 2") != std::string::npos);
  }
}

TEST_CASE("ids that do not count on by one are refused") {
  CHECK(!parse_history("1 1 1\n3 1 1\n").ok());
  CHECK(!parse_history("1 1 1\n1 1 1\n").ok());
  CHECK(parse_history("5 1 1\n6 1 1\n").ok());
}
