// See device_doc_block.h.
#include "tests/tidy/house_rules/device_doc_block.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

namespace lockstitch::tidy {

namespace {

constexpr std::array<std::string_view, 8> labels = {
    "Models:", "Maturity:", "Missing:", "Ignored:", "Arrivals:", "Effects:", "Alarms:", "Source:"};

struct ClassHead {
  const SourceFile* file;
  std::size_t line;  // of the class keyword, from 0
  std::string name;
  std::set<std::string> bases;
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// Heads with a base list; it may span several lines. Words that are no class, such as `public`, do no harm among the
// bases.
std::vector<ClassHead> class_heads(const std::vector<SourceFile>& tree) {
  std::vector<ClassHead> heads;
  for (const SourceFile& file : tree) {
    if (!file.is_header() || !file.below("devices")) continue;
    const std::vector<std::string> code = code_only(file);
    for (std::size_t i = 0; i < code.size(); ++i) {
      const std::vector<std::string> begin = words_of(code[i]);
      if (begin.size() < 2 || (begin[0] != "class" && begin[0] != "struct")) continue;
      std::string text = code[i];
      for (std::size_t next = i + 1; text.find_first_of("{;") == std::string::npos && next < code.size(); ++next) {
        text += ' ' + code[next];
      }
      text = text.substr(0, text.find_first_of("{;"));
      const std::size_t colon = text.find(':');
      if (colon == std::string::npos) continue;
      const std::vector<std::string> bases = words_of(std::string_view(text).substr(colon));
      heads.push_back({&file, i, begin[1], {bases.begin(), bases.end()}});
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
      const bool device =
          std::any_of(head.bases.begin(), head.bases.end(), [&](const auto& b) { return known.contains(b); });
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
        findings.push_back(
            {head.file->path, head.line + 1,
             "device " + head.name + " has no line `" + std::string(label) + "` in its doc-block, or not in order",
             "give it the lines Models, Maturity, Missing, Ignored, Arrivals, Effects, Alarms, Source, each with a "
             "text "
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
