// Small files that survive kill -9 and power loss: each step is on the disk before the next is begun.
#pragma once
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "sync/log/file_bytes.h"

namespace lockstitch::sync {

/// Makes it, writes it whole and flushes it. Its name is durable only after flush_folder(). False: errno says why, and
/// nothing is there; EEXIST: it was there before.
bool write_new_file(const std::string& path, std::string_view text, unsigned mode);

/// False: errno says why.
bool flush_folder(const std::string& path);

/// "." for a bare name.
std::string folder_of(const std::string& path);

/// 16 hexadecimal digits that nobody else uses.
std::string fresh_suffix();

}  // namespace lockstitch::sync
