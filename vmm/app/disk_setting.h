// `--disk`: an image and what becomes of the guest's writes.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "vmm/app/item.h"
#include "vmm/app/path_base.h"
#include "vmm/app/pc_model.h"
#include "vmm/world/image_format.h"

namespace lockstitch::app {

struct DiskSetting {
  std::string file;
  /// A mistake must not cost anybody their image: writing to it has to be asked for.
  world::BlockMode mode = world::BlockMode::overlay;
  std::optional<world::ImageFormat> format{};  ///< nothing said: by its contents
  std::optional<DiskBus> bus{};                ///< nothing said: virtio with a kernel, otherwise IDE

  Outcome apply(const Item& item, const PathBase& base);
  Outcome complete() const;

  /// Of all items that apply() knows.
  static std::span<const std::string_view> keys();
};

/// `[file=]F[,format=raw|qcow2|vhdx|vmdk|vpc|vdi][,mode=overlay|ro|rw][,readonly][,bus=virtio|ide]`
Result<DiskSetting> parse_disk(const std::string& text, const PathBase& base);

}  // namespace lockstitch::app
