// The repository's files as lints see them: paths from the root and lines. Build folders, caches and .git are left out,
// so a file counts before it is committed. Not here: any rule.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace lockstitch::tidy {

struct SourceFile {
  std::string path;  ///< from the root, with '/'
  std::vector<std::string> lines;

  std::string name() const;
  bool is_cpp() const;
  bool is_header() const;
  bool is_assembly() const;
  bool below(std::string_view folder) const;
};

SourceFile make_source(std::string path, std::string_view text);
/// All text files below `root`, sorted by path.
std::vector<SourceFile> read_tree(const std::string& root);

/// C++ without its comments and without the contents of string and character literals; columns and lines stay.
std::vector<std::string> code_only(const SourceFile& file);

}  // namespace lockstitch::tidy
