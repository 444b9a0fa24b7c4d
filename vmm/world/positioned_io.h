// All of a range of a file, read or written, or the sentence that says why not.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "vmm/world/descriptor.h"

namespace lockstitch::world {

/// `what`: begins the sentence, as "Disk image". Fails: also behind the end of the file.
Outcome read_at(const Descriptor& file, std::uint64_t offset, MutableBytes out, std::string_view what,
                const std::string& path);
Outcome write_at(const Descriptor& file, std::uint64_t offset, Bytes in, std::string_view what,
                 const std::string& path);

}  // namespace lockstitch::world
