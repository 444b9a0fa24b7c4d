// See guest_file.h.
#include "vmm/app/guest_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "vmm/app/item.h"
#include "vmm/app/setting_table.h"
#include "vmm/app/suggestion.h"
#include "vmm/world/host_file.h"

namespace lockstitch::app {

namespace {

/// Unit: bytes. A guest file that is larger is some other file.
constexpr std::size_t guest_file_max_bytes = 1 << 20;
constexpr std::array<std::string_view, 6> tables{"machine", "disk", "net", "run", "record", "pair"};

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), base_(PathBase::of_file(path)) {}

  Outcome read(const toml::table& file) {
    for (const auto& [key, node] : file) {
      const Outcome read = read_table(key.str(), node);
      if (!read.ok()) return read.error();
    }
    return success();
  }

  Settings settings;

 private:
  Error wrong(const toml::source_region& where, std::string_view text) const {
    return {ExitCode::usage, fmt::format("{}:{}: {}", path_, where.begin.line, text)};
  }

  Error wrong_type(const toml::node& node, std::string_view key, std::string_view wanted) const {
    return wrong(node.source(), fmt::format("'{}' must be {}, not {}", key, wanted, type_name(node)));
  }

  Outcome read_table(std::string_view name, const toml::node& node) {
    if (name == "disk") {
      const toml::array* disks = node.as_array();
      if (disks == nullptr || !disks->is_homogeneous<toml::table>()) {
        return wrong(node.source(), "disks are written as [[disk]], one table for each");
      }
      for (const toml::node& disk : *disks) {
        const Outcome read = read_disk(*disk.as_table());
        if (!read.ok()) return read;
      }
      return success();
    }
    if (std::find(tables.begin(), tables.end(), name) != tables.end()) {
      const toml::table* table = node.as_table();
      if (table == nullptr) return wrong_type(node, name, fmt::format("a table, [{}]", name));
      return name == "net" ? read_network(*table) : read_settings(name, *table);
    }
    // A setting outside its table is the likeliest mistake.
    if (const SettingRow* row = find_setting(name); row != nullptr && !row->table.empty()) {
      return wrong(node.source(), fmt::format("'{}' belongs into the table [{}]", name, row->table));
    }
    return wrong(node.source(), fmt::format("there is no table or key '{}'{}", name,
                                            did_you_mean(name, tables, "the tables are " + listed(tables))));
  }

  Outcome read_settings(std::string_view table_name, const toml::table& table) {
    for (const auto& [key, node] : table) {
      const SettingRow* row = find_setting(key.str());
      if (row == nullptr || !row->is_key_of(table_name)) return unknown_key(table_name, key);
      auto value = setting_value(*row, node);
      if (!value.ok()) return value.error();
      const Outcome set = row->set(settings, value.value(), base_);
      if (!set.ok()) return wrong(node.source(), fmt::format("'{}': {}", row->name, set.error().text));
    }
    return success();
  }

  Error unknown_key(std::string_view table_name, const toml::key& key) const {
    if (key.str() == "disk") return wrong(key.source(), "disks are written as [[disk]], one table for each");
    if (key.str() == "net") return wrong(key.source(), "the network is written as the table [net]");
    if (const SettingRow* row = find_setting(key.str()); row != nullptr) {
      return wrong(key.source(),
                   fmt::format("'{}' belongs into the table [{}], not [{}]", key.str(), row->table, table_name));
    }
    std::vector<std::string_view> known;
    for (const SettingRow& row : setting_table()) {
      if (row.is_key_of(table_name)) known.push_back(row.name);
    }
    return wrong(key.source(), fmt::format("there is no key '{}' in [{}]{}", key.str(), table_name,
                                           did_you_mean(key.str(), known, "it has " + listed(known))));
  }

  /// As the flag would be written.
  Result<std::string> setting_value(const SettingRow& row, const toml::node& node) const {
    if (row.kind == SettingKind::flag) {
      if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
      return wrong_type(node, row.name, "true or false");
    }
    if (const auto* text = node.as_string()) return text->get();
    if (row.kind == SettingKind::number) {
      if (const auto* number = node.as_integer()) return std::to_string(number->get());
      return wrong_type(node, row.name, "a whole number");
    }
    return wrong_type(node, row.name, "text in quotes");
  }

  Outcome read_disk(const toml::table& table) {
    DiskSetting disk;
    const Outcome read =
        read_items(table, DiskSetting::keys(), [&](const Item& item) { return disk.apply(item, base_); });
    if (!read.ok()) return read;
    if (const Outcome complete = disk.complete(); !complete.ok()) return wrong(table.source(), complete.error().text);
    settings.disks.push_back(std::move(disk));
    return success();
  }

  Outcome read_network(const toml::table& table) {
    const Outcome read =
        read_items(table, NetworkSetting::keys(), [this](const Item& item) { return settings.network.apply(item); });
    if (!read.ok()) return read;
    const Outcome complete = settings.network.complete();
    if (!complete.ok()) return wrong(table.source(), complete.error().text);
    return success();
  }

  /// A composed value as a table: text is an item's value, true an item that stands alone, an array one item for each.
  Outcome read_items(const toml::table& table, std::span<const std::string_view> known,
                     const std::function<Outcome(const Item&)>& apply) const {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return wrong(key.source(), apply({name, std::nullopt}).error().text);
      }
      const auto apply_here = [&](const Item& item, const toml::source_region& where) -> Outcome {
        const Outcome applied = apply(item);
        if (!applied.ok()) return wrong(where, applied.error().text);
        return success();
      };
      if (const auto* text = node.as_string()) {
        if (const Outcome done = apply_here({name, text->get()}, key.source()); !done.ok()) return done;
      } else if (const auto* flag = node.as_boolean()) {
        if (!flag->get()) continue;
        if (const Outcome done = apply_here({name, std::nullopt}, key.source()); !done.ok()) return done;
      } else if (const auto* array = node.as_array(); array != nullptr && array->is_homogeneous<std::string>()) {
        for (const toml::node& element : *array) {
          if (const Outcome done = apply_here({name, **element.as_string()}, element.source()); !done.ok()) return done;
        }
      } else {
        return wrong_type(node, name, "text in quotes");
      }
    }
    return success();
  }

  const std::string& path_;
  const PathBase base_;
};

}  // namespace

Result<Settings> read_guest_file(const std::string& path) {
  auto bytes = world::read_host_file(path, guest_file_max_bytes, "The guest file");
  if (!bytes.ok()) return bytes.error();
  const std::string text(bytes.value().begin(), bytes.value().end());
  toml::table file;
  try {
    file = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return Error{ExitCode::usage, fmt::format("{}:{}: {}", path, error.source().begin.line, error.description())};
  }
  Reader reader(path);
  if (const Outcome read = reader.read(file); !read.ok()) return read.error();
  return std::move(reader.settings);
}

}  // namespace lockstitch::app
