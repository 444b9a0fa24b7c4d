// What format a disk image has, told from its bytes, and what those bytes say that we must know before anybody opens
// it: encrypted, cut off, made of several files. Nothing is believed of a name's ending but one thing, see
// choose_format.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "vmm/world/image_file.h"

namespace lockstitch::world {

/// By QEMU's names; vpc is VHD.
enum class ImageFormat : std::uint8_t { raw, qcow2, vhdx, vmdk, vpc, vdi };

std::string_view name_of(ImageFormat format);
std::optional<ImageFormat> format_named(std::string_view name);
std::span<const std::string_view> format_names();

/// `given`: what the person said; nothing: the contents decide. raw given is raw whatever the contents say. A guest
/// that could write to a raw image can make it look like another format, one that names files of the host; so an image
/// that names other files is taken for what it looks like only if its name ends in that way too, or the person says so.
/// Fails: the contents are of another format than given, of one that is not known here, encrypted, cut off.
Result<ImageFormat> choose_format(const ImageFile& image, const std::string& path, std::optional<ImageFormat> given);

}  // namespace lockstitch::world
