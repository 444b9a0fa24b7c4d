// See disk_setting.h.
#include "vmm/app/disk_setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "vmm/app/suggestion.h"

namespace lockstitch::app {

namespace {
constexpr std::array<std::string_view, 5> known_keys{"file", "format", "mode", "readonly", "bus"};
constexpr std::array<std::string_view, 3> modes{"overlay", "ro", "rw"};
constexpr std::array<std::string_view, 2> buses{"virtio", "ide"};
}  // namespace

std::span<const std::string_view> DiskSetting::keys() { return known_keys; }

Outcome DiskSetting::apply(const Item& item, const PathBase& base) {
  if (item.key == "readonly" && !item.value) {
    mode = world::BlockMode::read_only;
    return success();
  }
  if (item.key == "file" && item.value && !item.value->empty()) {
    if (!file.empty()) return Error{ExitCode::usage, "a disk has one file; give each disk its own"};
    file = base.resolve(*item.value);
    return success();
  }
  if (item.key == "mode" && item.value) {
    if (*item.value == "overlay") {
      mode = world::BlockMode::overlay;
    } else if (*item.value == "ro") {
      mode = world::BlockMode::read_only;
    } else if (*item.value == "rw") {
      mode = world::BlockMode::read_write;
    } else {
      return Error{ExitCode::usage,
                   fmt::format("there is no disk mode '{}'; it is one of {}", *item.value, listed(modes))};
    }
    return success();
  }
  if (item.key == "format" && item.value) {
    format = world::format_named(*item.value);
    if (format) return success();
    return Error{ExitCode::usage, fmt::format("there is no image format '{}'; it is one of {}", *item.value,
                                              listed(world::format_names()))};
  }
  if (item.key == "bus" && item.value) {
    const auto known = std::find(buses.begin(), buses.end(), *item.value);
    if (known == buses.end())
      return Error{ExitCode::usage, fmt::format("there is no bus '{}' for disks; it is virtio or ide", *item.value)};
    bus = static_cast<DiskBus>(known - buses.begin());
    return success();
  }
  if (item.key == "readonly") return Error{ExitCode::usage, "a disk's 'readonly' takes no value"};
  if (item.key == "file" || item.key == "format" || item.key == "mode" || item.key == "bus") {
    return Error{ExitCode::usage, fmt::format("a disk's '{}' needs a value", item.key)};
  }
  return Error{ExitCode::usage, fmt::format("a disk has no '{}'{}", item.key,
                                            did_you_mean(item.key, known_keys, "it has " + listed(known_keys)))};
}

Outcome DiskSetting::complete() const {
  if (file.empty()) return Error{ExitCode::usage, "the disk has no file"};
  return success();
}

Result<DiskSetting> parse_disk(const std::string& text, const PathBase& base) {
  DiskSetting disk;
  bool first = true;
  for (Item item : split_items(text)) {
    if (first && !item.value) item = {"file", item.key};
    first = false;
    if (const Outcome applied = disk.apply(item, base); !applied.ok()) return applied.error();
  }
  if (const Outcome complete = disk.complete(); !complete.ok()) return complete.error();
  return disk;
}

}  // namespace lockstitch::app
