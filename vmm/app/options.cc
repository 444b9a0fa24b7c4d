// See options.h.
#include "vmm/app/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <deque>

#include "vmm/app/guest_file.h"
#include "vmm/app/setting_table.h"
#include "vmm/app/suggestion.h"

namespace lockstitch::app {

namespace {

constexpr const char* examples =
    "Examples:\n"
    "  lockstitch run --kernel vmlinuz --initrd initrd.img --append 'console=ttyS0' --memory 1G\n"
    "  lockstitch run --kernel vmlinuz --disk root.img,mode=rw --append 'root=/dev/vda console=ttyS0' \\\n"
    "                 --net user,forward=tcp:127.0.0.1:2222-:22\n"
    "  lockstitch run debian.toml --clock virtual --seed 7 --summary run.json\n"
    "\n"
    "The exit code is the guest's own when it ends through the debug-exit port, 0 after a power-off, 64 for a wrong "
    "flag\n"
    "or guest file, 65 and 66 for wrong and missing files, 69 when the host lacks something, 74 when a disk failed, "
    "80\n"
    "when the guest crashed, and 82 when a person or a signal ended it. docs/GUEST_FILE.md describes guest files.\n";

/// Unit: columns. Of the descriptions, which begin in column 30.
constexpr std::size_t help_columns = 86;

std::string wrapped(std::string_view text) {
  std::string lines;
  while (text.size() > help_columns) {
    const std::size_t end = text.rfind(' ', help_columns);
    lines += std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(end + 1);
  }
  return lines + std::string(text);
}

struct Flags {
  Flags() : app("Run a guest.", "lockstitch run") {
    app.allow_extras();
    app.add_option("GUEST.toml", guest_file, "guest file: the same settings as the flags, which go over it");
    app.set_help_flag("-h,--help", "print this text");
    for (const SettingRow& row : setting_table()) {
      const std::string flag = "--" + std::string(row.name);
      CLI::Option* option = nullptr;
      if (row.kind == SettingKind::flag) {
        option = app.add_flag(flag)->description(wrapped(row.help));
      } else {
        option = app.add_option(flag, texts.emplace_back(), wrapped(row.help))
                     ->expected(1)
                     ->allow_extra_args(false)
                     ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                     ->type_name(std::string(row.value_name));
      }
      option->group(std::string(row.group));
      options.push_back(option);
    }
    app.get_formatter()->column_width(30);
    app.footer(examples);
  }

  CLI::App app;
  std::string guest_file;
  std::vector<CLI::Option*> options;           ///< in the order of the table
  std::deque<std::vector<std::string>> texts;  ///< CLI11 writes here; what is read is the options' results
};

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

Error unknown(const std::vector<std::string>& extras) {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all{"help"};
    for (const SettingRow& row : setting_table()) all.push_back(row.name);
    return all;
  }();
  for (const std::string& extra : extras) {
    if (!extra.starts_with("-")) continue;
    const std::string flag = extra.substr(0, extra.find('='));
    const std::string bare = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
    const std::string_view meant = nearest(bare, names);
    return {ExitCode::usage, meant.empty()
                                 ? fmt::format("there is no flag '{}'; `lockstitch run --help` lists them", flag)
                                 : fmt::format("there is no flag '{}'; did you mean '--{}'?", flag, meant)};
  }
  return {ExitCode::usage, fmt::format("'{}' is one argument too many; a run has one guest file", extras[0])};
}

}  // namespace

std::string run_help() { return Flags().app.help(); }

Result<std::optional<Settings>> read_options(const std::vector<std::string>& arguments) {
  Flags flags;
  try {
    flags.app.parse(prepared(arguments));
  } catch (const CLI::CallForHelp&) {
    return std::optional<Settings>();
  } catch (const CLI::ParseError& error) {
    return Error{ExitCode::usage, error.what()};
  }
  if (const auto extras = flags.app.remaining(); !extras.empty()) return unknown(extras);

  Settings settings;
  if (!flags.guest_file.empty()) {
    auto read = read_guest_file(flags.guest_file);
    if (!read.ok()) return read.error();
    settings = std::move(read).value();
  }
  for (std::size_t i = 0; i < flags.options.size(); ++i) {
    const SettingRow& row = setting_table()[i];
    const CLI::Option& option = *flags.options[i];
    if (option.count() == 0) continue;
    if (row.kind == SettingKind::disks) {
      settings.disks.clear();
    } else if (row.kind != SettingKind::flag && option.count() > 1) {
      return Error{ExitCode::usage, fmt::format("--{} is given {} times; once is enough", row.name, option.count())};
    }
    for (const std::string& value : option.results()) {
      if (row.kind == SettingKind::flag && value != "true" && value != "false") {
        return Error{ExitCode::usage, fmt::format("--{} takes no value", row.name)};
      }
      const Outcome set = row.set(settings, value, PathBase());
      if (!set.ok()) return Error{set.error().code, fmt::format("--{}: {}", row.name, set.error().text)};
    }
  }
  if (const Outcome checked = check(settings); !checked.ok()) return checked.error();
  return std::optional<Settings>(std::move(settings));
}

}  // namespace lockstitch::app
