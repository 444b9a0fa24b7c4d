// See wording.h. The words are put together here from pieces, or this file would find itself.
#include "tests/tidy/house_rules/wording.h"

#include <array>
#include <cctype>
#include <string>
#include <string_view>

namespace lockstitch::tidy {

Findings check_open_promises(const SourceFile& file) {
  static const std::array<std::string, 3> words = {
      "TODO"
      "(now)",
      "FIX"
      "ME",
      "XX"
      "X"};
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    for (const std::string& word : words) {
      // XXXX and the like are templates of mktemp.
      const std::size_t at = file.lines[i].find(word);
      if (at == std::string::npos || (word == words[2] && file.lines[i].find(word + "X") != std::string::npos))
        continue;
      findings.push_back({file.path, i + 1, "`" + word + "`",
                          "do it before you commit, or say in the comment what is missing and what follows from it"});
    }
  }
  return findings;
}

Findings check_machine_paths(const SourceFile& file) {
  // Folders of a person or a workplace. Guest paths such as /root are none.
  static const std::array<std::string, 5> folders = {
      "/ho"
      "me/",
      "/Us"
      "ers/",
      "/wo"
      "rk/",
      "/t"
      "mp/",
      "/mnt/"
      "c/"};
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    for (const std::string& folder : folders) {
      const std::size_t at = line.find(folder);
      if (at == std::string::npos) continue;
      const auto is_name = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("_.-)}").find(c) != std::string_view::npos;
      };
      const std::size_t after = at + folder.size();
      if (at > 0 && is_name(line[at - 1])) continue;  // the end of a longer path
      if (after >= line.size() || !is_name(line[after])) continue;
      findings.push_back({file.path, i + 1, "`" + folder + "...` is a path of one machine",
                          "start from the root of the repository, the build folder, or mktemp and "
                          "std::filesystem::temp_directory_path"});
    }
  }
  return findings;
}

}  // namespace lockstitch::tidy
