// See wording.h. The words are put together here from pieces, or this file would find itself.
#include "tests/tidy/house_rules/wording.h"

#include <array>
#include <regex>
#include <string>

namespace lockstitch::tidy {

Findings check_open_promises(const SourceFile& file) {
  static const std::array<std::string, 3> words = {"TODO" "(now)", "FIX" "ME", "XX" "X"};
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    for (const std::string& word : words) {
      // XXXX and the like are templates of mktemp.
      const std::size_t at = file.lines[i].find(word);
      if (at == std::string::npos || (word == words[2] && file.lines[i].find(word + "X") != std::string::npos)) continue;
      findings.push_back({file.path, i + 1, "`" + word + "`", "do it before you commit, or say in the comment what is missing and what follows from it"});
    }
  }
  return findings;
}

Findings check_machine_paths(const SourceFile& file) {
  // A path that begins in a person's or a workplace's folder. Guest paths such as /root are none.
  static const std::regex path(R"((^|[^A-Za-z0-9_.})/])/(home|Users|work|tmp/[A-Za-z0-9_]|mnt/c)(/|[A-Za-z0-9_]))");
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(file.lines[i], match, path)) continue;
    findings.push_back({file.path, i + 1, "`" + match.str().substr(match.str().find('/')) + "...` is a path of one machine",
                        "start from the root of the repository, the build folder, or mktemp and std::filesystem::temp_directory_path"});
  }
  return findings;
}

}  // namespace lockstitch::tidy
