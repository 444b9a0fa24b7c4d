// See record_text.h. Five lines: a title, pair, term, holder, and the XXH3-64 of the four before it.
#include "sync/peer/record_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "sync/log/file_bytes.h"
#include "sync/peer/member_name.h"

namespace lockstitch::sync {
namespace {

constexpr std::string_view title = "lockstitch term 1";

std::string with_checksum(std::string body) {
  const auto sum = static_cast<std::uint64_t>(XXH3_64bits(body.data(), body.size()));
  return body + fmt::format("xxh3 {:016x}\n", sum);
}

/// The rest of the line that begins with `key` and a blank. Empty: not such a line.
std::string_view value_of(std::string_view& text, std::string_view key) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  if (end == std::string_view::npos || line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != ' ')
    return {};
  text.remove_prefix(end + 1);
  return line.substr(key.size() + 1);
}

}  // namespace

std::string record_text(const std::string& pair, const ArbiterRecord& record) {
  return with_checksum(fmt::format("{}\npair {}\nterm {}\nholder {}\n", title, pair, record.term, record.holder));
}

Result<ArbiterRecord> parse_record_text(const std::string& text, const std::string& pair, const std::string& path) {
  const Error damaged{ExitCode::bad_input,
                      fmt::format("'{}' is damaged: it is not a whole record of a term; restore it from a copy, or "
                                  "begin the pair anew at another place.",
                                  path)};
  std::string_view rest = text;
  if (value_of(rest, "lockstitch") != "term 1") return damaged;
  const std::string_view owner = value_of(rest, "pair");
  const std::string_view term = value_of(rest, "term");
  ArbiterRecord record;
  const auto [stop, error] = std::from_chars(term.data(), term.data() + term.size(), record.term);
  if (error != std::errc{} || stop != term.data() + term.size() || record.term == 0) return damaged;
  record.holder = std::string(value_of(rest, "holder"));
  if (!is_member_name(owner) || !is_member_name(record.holder) || text != record_text(std::string(owner), record))
    return damaged;
  if (owner != pair) {
    return Error{ExitCode::bad_input, fmt::format("'{}' belongs to the pair '{}', not to '{}'; name another place, for "
                                                  "each pair has its own.",
                                                  path, owner, pair)};
  }
  return record;
}

Result<ArbiterRecord> read_record_file(const std::string& path, const std::string& pair, bool& missing) {
  missing = false;
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) {
    missing = true;
    return ArbiterRecord{};
  }
  // Longer than any record by far; what does not fit is damage.
  std::array<char, 512> buffer;
  std::size_t size = 0;
  while (file && size < buffer.size()) {
    const ssize_t got = ::read(file.get(), buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return parse_record_text(std::string(buffer.data(), size), pair, path);
    if (got < 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size == buffer.size()) return parse_record_text("", pair, path);
  return Error{ExitCode::world, fmt::format("'{}' cannot be read ({}); make it readable.", path, std::strerror(errno))};
}

}  // namespace lockstitch::sync
