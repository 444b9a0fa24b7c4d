// See file_shape.h.
#include "tests/tidy/house_rules/file_shape.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace lockstitch::tidy {

namespace {

constexpr std::size_t longest_file_lines = 800;

struct LongFile {
  std::string_view path;
  std::string_view reason;
};
// Files that may be longer, and why. None at present.
constexpr std::array<LongFile, 0> long_files = {};

bool is_source(const SourceFile& file) {
  static constexpr std::array<std::string_view, 8> endings = {".h", ".cc", ".c", ".asm", ".inc", ".asl", ".py", ".sh"};
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view e) { return file.path.ends_with(e); });
}

}  // namespace

Findings check_length(const SourceFile& file) {
  if (!is_source(file) || file.lines.size() <= longest_file_lines) return {};
  for (const LongFile& allowed : long_files) {
    if (allowed.path == file.path) return {};
  }
  return {{file.path, longest_file_lines + 1, std::to_string(file.lines.size()) + " lines",
           "split it by its nouns; a file that is a table may get a line and a reason in "
           "tests/tidy/house_rules/file_shape.cc"}};
}

Findings check_opening_comment(const SourceFile& file) {
  if (!file.is_cpp() && !file.is_assembly() && !file.path.ends_with(".inc")) return {};
  const std::string_view mark = file.is_cpp() ? "//" : ";";
  if (!file.lines.empty() && file.lines[0].starts_with(mark) &&
      file.lines[0].find_first_not_of("/; ") != std::string::npos)
    return {};
  return {{file.path, 1, "does not begin with a comment",
           "open with one to six lines: what the file is responsible for, what it is not, where the truth comes from"}};
}

Findings check_pragma_once(const SourceFile& file) {
  if (!file.is_header()) return {};
  if (std::find(file.lines.begin(), file.lines.end(), "#pragma once") != file.lines.end()) return {};
  return {{file.path, 1, "has no #pragma once", "put it behind the opening comment"}};
}

Findings check_file_name(const SourceFile& file) {
  static constexpr std::array<std::string_view, 8> vague = {"util",     "utils",  "common",  "manager",
                                                            "managers", "helper", "helpers", "misc"};
  std::string word;
  for (const char c : file.path + "/") {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (std::find(vague.begin(), vague.end(), word) != vague.end()) {
      return {{file.path, 1, "`" + word + "` in a name says nothing", "name the one noun that the file is about"}};
    }
    word.clear();
  }
  const std::string name = file.name();
  if (file.is_cpp() && std::any_of(name.begin(), name.end(),
                                   [](char c) { return std::isupper(static_cast<unsigned char>(c)) || c == '-'; })) {
    return {{file.path, 1, "file name is not snake_case", "rename it"}};
  }
  return {};
}

Findings check_guest_header(const SourceFile& file) {
  if (!file.is_assembly() || file.path.find("/guests/") == std::string::npos) return {};
  for (const std::string& line : file.lines) {
    if (!line.starts_with(";")) break;
    if (line.starts_with("; expect: ")) return {};
  }
  return {{file.path, 1, "a test guest without `; expect:`",
           "say in its first comment how it must end; firmware/guests/README.md lists the outcomes"}};
}

}  // namespace lockstitch::tidy
