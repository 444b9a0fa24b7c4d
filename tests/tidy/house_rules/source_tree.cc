// See source_tree.h.
#include "tests/tidy/house_rules/source_tree.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace lockstitch::tidy {

namespace fs = std::filesystem;

std::string SourceFile::name() const { return path.substr(path.rfind('/') + 1); }
bool SourceFile::is_header() const { return path.ends_with(".h"); }
bool SourceFile::is_cpp() const { return is_header() || path.ends_with(".cc"); }
bool SourceFile::is_assembly() const { return path.ends_with(".asm"); }
bool SourceFile::below(std::string_view folder) const {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

SourceFile make_source(std::string path, std::string_view text) {
  SourceFile file{std::move(path), {}};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    file.lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return file;
}

std::vector<SourceFile> read_tree(const std::string& root) {
  const std::vector<std::string> skipped_folders = {".git", ".cache", "build", "data", "__pycache__"};
  std::vector<SourceFile> tree;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory()) {
      if (std::find(skipped_folders.begin(), skipped_folders.end(), name) != skipped_folders.end() ||
          fs::exists(entry->path() / "CMakeCache.txt")) {
        entry.disable_recursion_pending();
      }
      continue;
    }
    if (!entry->is_regular_file()) continue;
    std::ifstream stream(entry->path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (text.find('\0') != std::string::npos) continue;  // an image, no text
    tree.push_back(make_source(fs::relative(entry->path(), root).generic_string(), text));
  }
  std::sort(tree.begin(), tree.end(), [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

std::vector<std::string> code_only(const SourceFile& file) {
  std::vector<std::string> result = file.lines;
  enum class In { code, block_comment, raw_string } state = In::code;
  std::string raw_end;
  for (std::string& line : result) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const auto blank_to = [&](std::size_t end) {
        end = std::min(end, line.size());
        std::fill(line.begin() + static_cast<std::ptrdiff_t>(i), line.begin() + static_cast<std::ptrdiff_t>(end), ' ');
        i = end == 0 ? 0 : end - 1;
      };
      const auto blank_through = [&](std::string_view mark) {
        const std::size_t end = line.find(mark, i);
        blank_to(end == std::string::npos ? line.size() : end + mark.size());
        if (end != std::string::npos) state = In::code;
      };
      if (state == In::block_comment) {
        blank_through("*/");
      } else if (state == In::raw_string) {
        blank_through(raw_end);
      } else if (line.compare(i, 2, "//") == 0) {
        blank_to(line.size());
      } else if (line.compare(i, 2, "/*") == 0) {
        state = In::block_comment;
        const std::size_t start = i;
        blank_to(start + 2);
      } else if (line.compare(i, 2, "R\"") == 0) {
        const std::size_t open = line.find('(', i);
        if (open == std::string::npos) continue;
        raw_end = ")" + line.substr(i + 2, open - i - 2) + "\"";
        state = In::raw_string;
        blank_to(open + 1);
      } else if (line[i] == '"' ||
                 (line[i] == '\'' && (i == 0 || !std::isalnum(static_cast<unsigned char>(line[i - 1]))))) {
        const std::size_t first = line.find_first_not_of(" \t");
        if (line[first] == '#' && line.find("include") < i) continue;  // the name of a header
        const char quote = line[i];
        std::size_t end = i + 1;
        while (end < line.size() && line[end] != quote) end += line[end] == '\\' ? 2 : 1;
        blank_to(end + 1);
      }
    }
  }
  return result;
}

}  // namespace lockstitch::tidy
