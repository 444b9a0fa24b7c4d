// See device_doc_block.h.
#include "tests/tidy/house_rules/device_doc_block.h"

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <string_view>

namespace lockstitch::tidy {

namespace {

constexpr std::array<std::string_view, 8> labels = {"Models:",   "Maturity:", "Missing:", "Ignored:",
                                                    "Arrivals:", "Effects:",  "Alarms:",  "Source:"};

struct ClassHead {
  const SourceFile* file;
  std::size_t line;  // of the class keyword, from 0
  std::string name;
  std::set<std::string> bases;
};

// Heads with a base list; it may span several lines.
std::vector<ClassHead> class_heads(const std::vector<SourceFile>& tree) {
  static const std::regex begin(R"(^\s*(?:class|struct)\s+(\w+)(?:\s+final)?\s*:(?!:)(.*))");
  static const std::regex base(R"((?:public|protected|private)\s+(?:virtual\s+)?(?:\w+::)*(\w+))");
  std::vector<ClassHead> heads;
  for (const SourceFile& file : tree) {
    if (!file.is_header() || !file.below("devices")) continue;
    const std::vector<std::string> code = code_only(file);
    for (std::size_t i = 0; i < code.size(); ++i) {
      std::smatch match;
      if (!std::regex_match(code[i], match, begin)) continue;
      std::string list = match[2];
      for (std::size_t next = i + 1; list.find('{') == std::string::npos && next < code.size(); ++next) list += code[next];
      list = list.substr(0, list.find('{'));
      ClassHead head{&file, i, match[1], {}};
      for (std::sregex_iterator b(list.begin(), list.end(), base), none; b != none; ++b) head.bases.insert((*b)[1]);
      heads.push_back(std::move(head));
    }
  }
  return heads;
}

std::vector<ClassHead> device_heads(const std::vector<SourceFile>& tree) {
  std::vector<ClassHead> all = class_heads(tree);
  // VirtioDevice is the part of a virtio device above its transport: the models are there.
  std::set<std::string> known = {"Device", "VirtioDevice"};
  std::set<std::string> bases;
  for (bool grew = true; grew;) {
    grew = false;
    for (const ClassHead& head : all) {
      const bool device = std::any_of(head.bases.begin(), head.bases.end(), [&](const auto& b) { return known.contains(b); });
      if (device) grew |= known.insert(head.name).second;
    }
  }
  for (const ClassHead& head : all) {
    if (known.contains(head.name)) bases.insert(head.bases.begin(), head.bases.end());
  }
  std::erase_if(all, [&](const ClassHead& head) { return !known.contains(head.name) || bases.contains(head.name); });
  return all;
}

}  // namespace

Findings check_device_doc_blocks(const std::vector<SourceFile>& tree) {
  Findings findings;
  for (const ClassHead& head : device_heads(tree)) {
    const auto& lines = head.file->lines;
    std::size_t first = head.line;
    while (first > 0 && lines[first - 1].starts_with("//")) --first;
    std::size_t at = first;
    for (std::string_view label : labels) {
      const auto has_label = [&](const std::string& line) {
        const std::size_t text = line.find_first_not_of("/ ");
        return text != std::string::npos && line.compare(text, label.size(), label) == 0 &&
               line.find_first_not_of(' ', text + label.size()) != std::string::npos;
      };
      const auto end = lines.begin() + static_cast<std::ptrdiff_t>(head.line);
      const auto found = std::find_if(lines.begin() + static_cast<std::ptrdiff_t>(at), end, has_label);
      if (found == end) {
        findings.push_back({head.file->path, head.line + 1, "device " + head.name + " has no line `" + std::string(label) + "` in its doc-block, or not in order",
                            "give it the lines Models, Maturity, Missing, Ignored, Arrivals, Effects, Alarms, Source, each with a text "
                            "(\"none\" is one), directly above the class; devices/serial/uart_16550.h is an example"});
        continue;
      }
      at = static_cast<std::size_t>(found - lines.begin()) + 1;
    }
  }
  return findings;
}

std::vector<std::string> device_classes(const std::vector<SourceFile>& tree) {
  std::vector<std::string> names;
  for (const ClassHead& head : device_heads(tree)) names.push_back(head.name);
  return names;
}

}  // namespace lockstitch::tidy
