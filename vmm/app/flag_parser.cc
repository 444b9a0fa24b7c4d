// See flag_parser.h.
#include "vmm/app/flag_parser.h"

#include <fmt/format.h>

#include <charconv>

#include "vmm/app/suggestion.h"

namespace lockstitch::app {

namespace {

/// Unit: columns. Of the descriptions.
constexpr std::size_t help_columns = 86;

/// As CLI11 wants them: last first, and `--append=` as two words, or it would take the next flag for its value.
std::vector<std::string> prepared(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (auto word = arguments.rbegin(); word != arguments.rend(); ++word) {
    if (word->starts_with("--") && word->find('=') == word->size() - 1) {
      words.push_back("");
      words.push_back(word->substr(0, word->size() - 1));
    } else {
      words.push_back(*word);
    }
  }
  return words;
}

Error unknown(const CLI::App& app, const std::vector<std::string>& extras, const std::string& too_many) {
  std::vector<std::string> names{"help"};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  for (const std::string& extra : extras) {
    if (!extra.starts_with("-")) continue;
    const std::string flag = extra.substr(0, extra.find('='));
    const std::string bare = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
    const std::string_view meant = nearest(bare, views);
    return {ExitCode::usage, meant.empty()
                                 ? fmt::format("there is no flag '{}'; `{} --help` lists them", flag, app.get_name())
                                 : fmt::format("there is no flag '{}'; did you mean '--{}'?", flag, meant)};
  }
  return {ExitCode::usage, fmt::format("'{}' is one argument too many; {}", extras[0], too_many)};
}

}  // namespace

Result<bool> parse_flags(CLI::App& app, const std::vector<std::string>& arguments, const std::string& extra) {
  app.allow_extras();
  app.set_help_flag("-h,--help", "print this text");
  app.get_formatter()->column_width(description_column);
  try {
    app.parse(prepared(arguments));
  } catch (const CLI::CallForHelp&) {
    return false;
  } catch (const CLI::ParseError& error) {
    return Error{ExitCode::usage, error.what()};
  }
  if (const auto extras = app.remaining(); !extras.empty()) return unknown(app, extras, extra);
  return true;
}

void add_images_flag(CLI::App& app, std::vector<std::string>& images) {
  app.add_option("--images", images, "a folder in which to look for kernels and disk images; may be repeated")
      ->type_name("DIR")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::string wrapped(std::string_view text) {
  std::string lines;
  while (text.size() > help_columns) {
    const std::size_t end = text.rfind(' ', help_columns);
    lines += std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(end + 1);
  }
  return lines + std::string(text);
}

Result<std::uint64_t> parse_whole_number(const std::string& text) {
  std::uint64_t value = 0;
  const bool hex = text.starts_with("0x");
  const char* const begin = text.data() + (hex ? 2 : 0);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (error == std::errc::result_out_of_range) {
    return Error{ExitCode::usage, fmt::format("'{}' is larger than 2^64 - 1", text)};
  }
  if (error != std::errc{} || stop != end) {
    return Error{ExitCode::usage, fmt::format("'{}' is no whole number from 0 on", text)};
  }
  return value;
}

}  // namespace lockstitch::app
