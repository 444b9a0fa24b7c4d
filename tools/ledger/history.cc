// See history.h.
#include "tools/ledger/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lockstitch::ledger {

namespace {

/// Numbers with one space between them. Result: false if the line is anything else.
bool parse_line(std::string_view line, Acknowledgement& acknowledgement) {
  const char* at = line.data();
  const char* const end = at + line.size();
  for (std::int64_t* number : {&acknowledgement.id, &acknowledgement.sent_ns, &acknowledgement.acked_ns}) {
    if (number != &acknowledgement.id && (at == end || *at++ != ' ')) return false;
    const auto [next, error] = std::from_chars(at, end, *number);
    if (error != std::errc{}) return false;
    at = next;
  }
  return at == end;
}

}  // namespace

std::string history_line(const Acknowledgement& acknowledgement) {
  return fmt::format("{} {} {}\n", acknowledgement.id, acknowledgement.sent_ns, acknowledgement.acked_ns);
}

Result<std::vector<Acknowledgement>> parse_history(std::string_view text) {
  std::vector<Acknowledgement> history;
  for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    Acknowledgement next{};
    if (!parse_line(text.substr(0, end), next)) {
      return Error{ExitCode::bad_input,
                   fmt::format("Line {} of the history is not `id sent_ns acked_ns`.", history.size() + 1)};
    }
    if (!history.empty() && next.id != history.back().id + 1) {
      return Error{ExitCode::bad_input, fmt::format("Line {} of the history is of id {}, which does not follow {}; a "
                                                    "history is of one run.",
                                                    history.size() + 1, next.id, history.back().id)};
    }
    history.push_back(next);
  }
  return history;
}

Comparison compare(const std::vector<Acknowledgement>& history, std::vector<Row> rows) {
  Comparison result;
  result.acknowledged = history.size();
  result.in_table = rows.size();
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.id < b.id; });

  auto acknowledged = history.begin();
  for (std::size_t i = 0; i < rows.size();) {
    const Row& row = rows[i];
    std::size_t copies = 1;
    while (i + copies < rows.size() && rows[i + copies].id == row.id) ++copies;
    i += copies;
    if (copies > 1) ++result.duplicated;

    for (; acknowledged != history.end() && acknowledged->id < row.id; ++acknowledged) ++result.lost;
    if (acknowledged != history.end() && acknowledged->id == row.id) {
      if (acknowledged->sent_ns != row.sent_ns) ++result.altered;
      ++acknowledged;
    } else if (!history.empty() && row.id < history.front().id) {
      ++result.earlier;
    } else if (history.empty() ? i == rows.size() : row.id == history.back().id + 1) {
      ++result.in_flight;
    } else {
      ++result.unexpected;
    }
  }
  result.lost += static_cast<std::uint64_t>(history.end() - acknowledged);
  return result;
}

}  // namespace lockstitch::ledger
