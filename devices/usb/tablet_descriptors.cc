// See tablet_descriptors.h.
#include "devices/usb/tablet_descriptors.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace lockstitch {
namespace {
constexpr std::uint16_t english = 0x0409;
constexpr std::array<std::string_view, 3> strings = {"Lockstitch", "Tablet", "1"};

constexpr auto device_descriptor = std::to_array<std::uint8_t>({
    18, 1,                   // length, kind
    0x10, 0x01,              // USB 1.1: there is no high speed to ask about
    0, 0, 0,                 // the class is the interface's
    8,                       // largest packet of endpoint 0
    0x09, 0x12, 0x01, 0x00,  // 1209:0001, kept for private use
    0x00, 0x01,              // release 1.00
    1, 2, 3,                 // strings: maker, product, serial number
    1,                       // configurations
});
static_assert(device_descriptor.size() == 18);

// What a report looks like; usb_tablet.cc makes them.
constexpr auto report_descriptor = std::to_array<std::uint8_t>({
    0x05, 0x01,                    // usage page: generic desktop
    0x09, 0x02,                    // usage: mouse
    0xa1, 0x01,                    // collection: application
    0x09, 0x01,                    //   usage: pointer
    0xa1, 0x00,                    //   collection: physical
    0x05, 0x09,                    //     usage page: buttons
    0x19, 0x01, 0x29, 0x03,        //     usages 1 to 3
    0x15, 0x00, 0x25, 0x01,        //     logical 0 to 1
    0x75, 0x01, 0x95, 0x03,        //     3 fields of 1 bit
    0x81, 0x02,                    //     input: data, variable, absolute
    0x75, 0x05, 0x95, 0x01,        //     1 field of 5 bits
    0x81, 0x01,                    //     input: constant
    0x05, 0x01,                    //     usage page: generic desktop
    0x09, 0x30, 0x09, 0x31,        //     usages X, Y
    0x15, 0x00, 0x26, 0xff, 0x7f,  //     logical 0 to 32767
    0x35, 0x00, 0x46, 0xff, 0x7f,  //     physical 0 to 32767
    0x75, 0x10, 0x95, 0x02,        //     2 fields of 16 bits
    0x81, 0x02,                    //     input: data, variable, absolute
    0x09, 0x38,                    //     usage: wheel
    0x15, 0x81, 0x25, 0x7f,        //     logical -127 to 127
    0x35, 0x00, 0x45, 0x00,        //     physical: as logical
    0x75, 0x08, 0x95, 0x01,        //     1 field of 8 bits
    0x81, 0x06,                    //     input: data, variable, relative
    0xc0, 0xc0,
});

constexpr std::size_t hid_at = 18, hid_bytes = 9;
constexpr auto configuration_descriptor = std::to_array<std::uint8_t>({
    9,  2,    34,   0,    1, 1, 0,    0xa0,
    50,  // one interface; wakes the host; 100 mA
    9,  4,    0,    0,    1, 3, 0,    0,
    0,  // HID without boot protocol; one endpoint more
    9,  0x21, 0x11, 0x01, 0, 1, 0x22, report_descriptor.size(),
    0,  7,    5,    0x81, 3, 8, 0,    8,  // interrupt IN 1, packets of 8 bytes, every 8 ms
});
static_assert(configuration_descriptor.size() == 34);

bool append_string(unsigned index, unsigned language, std::vector<std::uint8_t>& out) {
  if (index == 0) {
    out.insert(out.end(), {4, 3, english & 0xff, english >> 8});
    return true;
  }
  // Some hosts ask without a language.
  if (index > strings.size() || (language != english && language != 0)) return false;
  const std::string_view text = strings[index - 1];
  out.insert(out.end(), {static_cast<std::uint8_t>(2 + 2 * text.size()), 3});
  for (char c : text) out.insert(out.end(), {static_cast<std::uint8_t>(c), 0});
  return true;
}
}  // namespace

bool tablet_descriptor(UsbDescriptor kind, unsigned index, unsigned language, std::vector<std::uint8_t>& out) {
  if (kind == UsbDescriptor::string) return append_string(index, language, out);
  if (index != 0) return false;
  const auto append = [&out](Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return true;
  };
  switch (kind) {
    case UsbDescriptor::device:
      return append(device_descriptor);
    case UsbDescriptor::configuration:
      return append(configuration_descriptor);
    case UsbDescriptor::hid:
      return append(Bytes(configuration_descriptor).subspan(hid_at, hid_bytes));
    case UsbDescriptor::report:
      return append(report_descriptor);
    default:
      return false;
  }
}

}  // namespace lockstitch
