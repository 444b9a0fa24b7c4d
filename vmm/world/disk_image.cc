// See disk_image.h.
#include "vmm/world/disk_image.h"

#include "vmm/world/block_file.h"
#include "vmm/world/nbd_disk.h"

namespace lockstitch::world {

namespace {

template <class Disk>
Result<std::unique_ptr<BlockPort>> as_port(Result<std::unique_ptr<Disk>> disk) {
  if (!disk.ok()) return disk.error();
  return std::unique_ptr<BlockPort>(std::move(disk).value());
}

}  // namespace

Result<std::unique_ptr<BlockPort>> open_disk_image(const std::string& path, std::optional<ImageFormat> format,
                                                   BlockMode mode, WorldTrouble& trouble,
                                                   const std::string& overlay_folder) {
  auto opened = open_image_file(path, mode);
  if (!opened.ok()) return opened.error();
  ImageFile image = std::move(opened).value();
  const auto chosen = choose_format(image, path, format);
  if (!chosen.ok()) return chosen.error();
  if (chosen.value() == ImageFormat::raw)
    return as_port(BlockFile::open(std::move(image), path, mode, trouble, overlay_folder));
  return as_port(NbdDisk::open(std::move(image), path, chosen.value(), mode, trouble, overlay_folder));
}

Result<ImageFormat> format_of_image(const std::string& path, std::optional<ImageFormat> given) {
  const auto image = open_image_file(path, BlockMode::read_only);
  if (!image.ok()) return image.error();
  return choose_format(image.value(), path, given);
}

}  // namespace lockstitch::world
