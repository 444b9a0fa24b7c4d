// What the tablet says about itself. Source: USB 2.0 9.6; HID 1.11 6.2 and its usage tables.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/types.h"

namespace lockstitch {

/// Descriptors that GET_DESCRIPTOR can ask for; the numbers are the bus's.
enum class UsbDescriptor : std::uint8_t { device = 1, configuration = 2, string = 3, hid = 0x21, report = 0x22 };

/// Appends one. False: there is none.
bool tablet_descriptor(UsbDescriptor kind, unsigned index, unsigned language, std::vector<std::uint8_t>& out);

}  // namespace lockstitch
