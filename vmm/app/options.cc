// See options.h.
#include "vmm/app/options.h"

#include <fmt/format.h>

#include <deque>

#include "vmm/app/flag_parser.h"
#include "vmm/app/guest_file.h"
#include "vmm/app/setting_table.h"

namespace lockstitch::app {

namespace {

constexpr const char* run_examples =
    "Examples:\n"
    "  lockstitch run --kernel vmlinuz --initrd initrd.img --append 'console=ttyS0' --memory 1G\n"
    "  lockstitch run --kernel vmlinuz --disk root.img,mode=rw --append 'root=/dev/vda console=ttyS0' \\\n"
    "                 --net user,forward=tcp:127.0.0.1:2222-:22\n"
    "  lockstitch run debian.toml --clock virtual --seed 7 --summary run.json\n"
    "  lockstitch run --from trace/checkpoints/00000000060000000000.checkpoint\n"
    "\n";
constexpr const char* record_examples =
    "Examples:\n"
    "  lockstitch record debian.toml -o trace\n"
    "  lockstitch record --kernel vmlinuz --disk root.img --append 'root=/dev/vda console=ttyS0' -o trace\n"
    "  lockstitch replay trace --console\n"
    "\n";
constexpr const char* pair_examples =
    "Examples, with keys made by `lockstitch keys -o keys a b witness` and a witness on a third host:\n"
    "  lockstitch protect guest.toml --listen 10.1.1.1:7400 --peer 10.1.1.2:7400 --arbiter witness:10.1.1.3:7401 \\\n"
    "                     --keys keys/a --state /var/lib/lockstitch/guest\n"
    "  lockstitch standby guest.toml --listen 10.1.1.2:7400 --arbiter witness:10.1.1.3:7401 \\\n"
    "                     --keys keys/b --state /var/lib/lockstitch/guest\n"
    "  lockstitch status /var/lib/lockstitch/guest --watch\n"
    "\n";
constexpr const char* exit_codes =
    "The exit code is the guest's own when it ends through the debug-exit port, 0 after a power-off, 64 for a wrong "
    "flag\n"
    "or guest file, 65 and 66 for wrong and missing files, 69 when the host lacks something, 74 when a disk or the log "
    "failed,\n"
    "80 when the guest crashed, and 82 when a person or a signal ended it. docs/GUEST_FILE.md describes guest files.\n";

struct CommandText {
  std::string_view command, purpose, examples;
};

CommandText text_of(Mode mode) {
  switch (mode) {
    case Mode::record:
      return {"lockstitch record", "Run a guest and record it, so that it can be replayed exactly.", record_examples};
    case Mode::protect:
      return {"lockstitch protect",
              "Run a guest on two hosts in lockstep: as its leader if nobody leads it yet, else as the follower.",
              pair_examples};
    case Mode::standby:
      return {"lockstitch standby",
              "Be the other host of a protected guest: follow its leader, and go on when that one dies.",
              pair_examples};
    case Mode::run:
    case Mode::replay:
      break;
  }
  return {"lockstitch run", "Run a guest.", run_examples};
}

struct Flags {
  explicit Flags(Mode mode) : app(std::string(text_of(mode).purpose), std::string(text_of(mode).command)) {
    app.add_option("GUEST.toml", guest_file, "guest file: the same settings as the flags, which go over it");
    for (const SettingRow& row : setting_table()) {
      if (!row.belongs_to(mode)) continue;
      const std::string flag =
          (row.short_name.empty() ? "" : fmt::format("-{},", row.short_name)) + "--" + std::string(row.name);
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
      options.push_back({&row, option});
    }
    app.footer(std::string(text_of(mode).examples) + exit_codes);
  }

  struct RowOption {
    const SettingRow* row;
    CLI::Option* option;
  };

  CLI::App app;
  std::string guest_file;
  std::vector<RowOption> options;
  std::deque<std::vector<std::string>> texts;  ///< CLI11 writes here; what is read is the options' results
};

}  // namespace

std::string options_help(Mode mode) {
  Flags flags(mode);
  (void)parse_flags(flags.app, {"--help"}, "");
  return flags.app.help();
}

Result<std::optional<Settings>> read_options(Mode mode, const std::vector<std::string>& arguments) {
  Flags flags(mode);
  const auto parsed = parse_flags(flags.app, arguments, "a run has one guest file");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) return std::optional<Settings>();

  Settings settings;
  if (!flags.guest_file.empty()) {
    auto read = read_guest_file(flags.guest_file);
    if (!read.ok()) return read.error();
    settings = std::move(read).value();
  }
  for (const auto& [row, option] : flags.options) {
    if (option->count() == 0) continue;
    if (row->kind == SettingKind::disks) {
      settings.disks.clear();
    } else if (row->kind != SettingKind::flag && option->count() > 1) {
      return Error{ExitCode::usage, fmt::format("--{} is given {} times; once is enough", row->name, option->count())};
    }
    for (const std::string& value : option->results()) {
      if (row->kind == SettingKind::flag && value != "true" && value != "false") {
        return Error{ExitCode::usage, fmt::format("--{} takes no value", row->name)};
      }
      const Outcome set = row->set(settings, value, PathBase());
      if (!set.ok()) return Error{set.error().code, fmt::format("--{}: {}", row->name, set.error().text)};
    }
  }
  if (const Outcome checked = check(settings, mode); !checked.ok()) return checked.error();
  return std::optional<Settings>(std::move(settings));
}

}  // namespace lockstitch::app
