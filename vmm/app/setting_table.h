// The one list of all settings: a row is a flag `--name` and, if it has a table, a key `name` of the guest file. Both
// readers (options.h, guest_file.h) take names, kinds and checks from here, and --help its text.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "vmm/app/mode.h"
#include "vmm/app/path_base.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

enum class SettingKind : std::uint8_t {
  text,
  number,   ///< in a guest file an integer, or text for what TOML's integers cannot hold
  flag,     ///< present or absent; in a guest file true or false
  disks,    ///< repeated; in a guest file the tables [[disk]]
  network,  ///< in a guest file the table [net]
};

/// Which commands have a setting.
enum class Commands : std::uint8_t {
  all,
  run,
  record,
  single,  ///< run and record
  live,    ///< run, protect and standby
  pair,    ///< protect and standby
};

struct SettingRow {
  std::string_view name;
  SettingKind kind;
  std::string_view table;       ///< of the guest file
  std::string_view group;       ///< of the help
  std::string_view value_name;  ///< in the help; empty for flags
  std::string_view help;
  /// For a flag `value` is "true" or "false". Fails: a text without the name of the setting.
  Outcome (*set)(Settings& settings, const std::string& value, const PathBase& base);
  Commands commands = Commands::all;
  std::string_view short_name = "";   ///< one letter, or empty
  std::string_view other_table = "";  ///< where the key may be as well

  bool belongs_to(Mode mode) const;
  /// Of the guest file.
  bool is_key_of(std::string_view name_of_table) const;
};

std::span<const SettingRow> setting_table();

/// Null when there is none.
const SettingRow* find_setting(std::string_view name);

}  // namespace lockstitch::app
