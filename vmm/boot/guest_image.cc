// See guest_image.h.
#include "vmm/boot/guest_image.h"

#include <algorithm>
#include <string>
#include <vector>

#include "lockstitch/limits.h"

namespace lockstitch::boot {

namespace {

Error not_ram(std::string_view what) {
  return {ExitCode::usage, std::string(what) + " does not fit into the guest's memory; give it more with --memory"};
}

}  // namespace

Outcome store(GuestMemory& memory, Gpa gpa, Bytes bytes, std::string_view what) {
  if (!memory.write(gpa, bytes)) return not_ram(what);
  return success();
}

Outcome store_zeros(GuestMemory& memory, Gpa gpa, std::uint64_t length, std::string_view what) {
  static constexpr std::array<std::uint8_t, page_bytes> zeros{};
  while (length != 0) {
    const std::uint64_t part = std::min<std::uint64_t>(length, zeros.size());
    if (!memory.write(gpa, Bytes(zeros).first(part))) return not_ram(what);
    gpa += part;
    length -= part;
  }
  return success();
}

Outcome store_command_line(GuestMemory& memory, std::string_view text, std::uint64_t max_bytes) {
  max_bytes = std::min<std::uint64_t>(max_bytes, limits::command_line_max_bytes);
  if (text.size() > max_bytes) {
    return Error{ExitCode::usage, "the kernel command line has " + std::to_string(text.size()) +
                                      " bytes, but this kernel takes at most " + std::to_string(max_bytes)};
  }
  if (text.find('\0') != text.npos) return Error{ExitCode::usage, "the kernel command line contains a zero byte"};
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0);
  return store(memory, command_line_gpa, bytes, "the kernel command line");
}

Result<Gpa> store_initrd(GuestMemory& memory, const LoadRequest& request, Gpa floor, Gpa ceiling) {
  if (request.initrd.empty()) return Gpa{0};
  const auto place = highest_place(request.memory_map, request.initrd.size(), floor, ceiling);
  if (!place) {
    return Error{ExitCode::usage,
                 "the initrd (" + std::to_string(request.initrd.size() >> 10) +
                     " KiB) does not fit into the guest's memory behind the kernel; give it more with --memory"};
  }
  if (auto stored = store(memory, *place, request.initrd, "the initrd"); !stored) return stored.error();
  return *place;
}

}  // namespace lockstitch::boot
