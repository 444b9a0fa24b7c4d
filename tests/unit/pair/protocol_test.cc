// docs/PROTOCOL.md against the schemas and the code: a message, a part, a role or a wait that is added, renamed or
// changed must be described.
#include <capnp/schema.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sync/peer/join.capnp.h"
#include "sync/peer/peer.capnp.h"
#include "sync/replica/replica.h"

namespace lockstitch::sync {
namespace {

using Row = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string unquoted(const std::string& text) {
  const bool quoted = text.size() > 2 && text.front() == '`' && text.back() == '`';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// Of the table whose first heading is `heading`: the rows below, without quotes in the first column.
std::vector<Row> table(const std::string& heading) {
  std::ifstream file(LOCKSTITCH_SOURCE_DIR "/docs/PROTOCOL.md");
  std::vector<Row> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| " + heading + " |")) {
      REQUIRE_MESSAGE(rows.empty(), "two tables of ", heading);
      inside = true;
      std::getline(file, line);
      REQUIRE(line.starts_with("| ---"));
      continue;
    }
    inside = inside && line.starts_with("|");
    if (!inside) continue;
    Row row;
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
    REQUIRE(!row.empty());
    row[0] = unquoted(row[0]);
    rows.push_back(row);
  }
  REQUIRE_MESSAGE(!rows.empty(), "no table of ", heading);
  for (const Row& row : rows) {
    CAPTURE(row[0]);
    CHECK(row.size() == rows[0].size());
    CHECK(std::none_of(row.begin(), row.end(), [](const std::string& cell) { return cell.empty(); }));
  }
  return rows;
}

std::vector<std::string> names_of(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row[0]);
  return names;
}

/// In the order of the schema.
std::vector<std::string> union_of(capnp::StructSchema schema) {
  std::vector<std::string> names;
  for (const auto field : schema.getUnionFields()) names.emplace_back(field.getProto().getName());
  return names;
}

std::vector<std::string> all_roles() {
  std::vector<std::string> names;
  for (int role = 0; role <= static_cast<int>(Role::ended); ++role)
    names.emplace_back(to_text(static_cast<Role>(role)));
  return names;
}

TEST_CASE("the table of messages has exactly the messages of the schema") {
  CHECK(names_of(table("message")) == union_of(capnp::Schema::from<schema::Message>()));
  CHECK(std::variant_size_v<Message> == union_of(capnp::Schema::from<schema::Message>()).size());
}

TEST_CASE("the table of parts has exactly the parts of the schema") {
  CHECK(names_of(table("part")) == union_of(capnp::Schema::from<schema::JoinPart>()));
}

TEST_CASE("the table of roles has exactly the roles, and names no others") {
  const auto rows = table("role");
  CHECK(names_of(rows) == all_roles());
  // What a role becomes, and who says a message, is a role, a message or a wait.
  std::vector<std::string> known = all_roles();
  for (const char* heading : {"message", "wait", "answer to a claim", "right"}) {
    for (const std::string& name : names_of(table(heading))) known.push_back(name);
  }
  for (const char* heading : {"role", "message"}) {
    for (const Row& row : table(heading)) {
      for (std::size_t cell = 1; cell < row.size(); ++cell) {
        std::istringstream pieces(row[cell]);
        std::string piece;
        for (bool quoted = false; std::getline(pieces, piece, '`'); quoted = !quoted) {
          if (!quoted) continue;
          CAPTURE(row[0]);
          CAPTURE(piece);
          CHECK(std::find(known.begin(), known.end(), piece) != known.end());
        }
      }
    }
  }
}

TEST_CASE("the table of waits has the values that are in force") {
  const ReplicaOptions options;
  const std::map<std::string, HostTime> waits{
      {"heartbeat", options.heartbeat},
      {"leader_patience", options.leader_patience},
      {"nap", options.nap},
      {"follower_patience", options.follower_patience},
      {"claim_again", options.claim_again},
      {"join_patience", options.join_patience},
      {"freeze_after", options.freeze_after},
      {"start_after", options.start_after},
      {"hand_over_limit", options.hand_over_limit},
  };
  const auto rows = table("wait");
  CHECK(rows.size() == waits.size());
  for (const Row& row : rows) {
    CAPTURE(row[0]);
    REQUIRE(waits.contains(row[0]));
    CHECK(row[1] == std::to_string(waits.at(row[0]) / ms));
  }
}

}  // namespace
}  // namespace lockstitch::sync
