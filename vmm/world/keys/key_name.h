// Keys by the names that people know from `sendkey` of QEMU's monitor and `virsh send-key`.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lockstitch::world {

/// The evdev code. Upper and lower case are the same, and a `KEY_` in front is allowed.
std::optional<std::uint16_t> key_by_name(std::string_view name);

/// The key name that looks most like `name`; empty: none does.
std::string similar_key_name(std::string_view name);

}  // namespace lockstitch::world
