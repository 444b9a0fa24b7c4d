// The names of the files that a trace consists of, relative to its folder: what goes into a pack, and all that may come
// out of one.
#pragma once
#include <string>
#include <string_view>

#include "lockstitch/digest.h"

namespace lockstitch::sync {

inline constexpr std::string_view header_name = "trace.header";
inline constexpr std::string_view log_folder_name = "log";
inline constexpr std::string_view checkpoints_folder_name = "checkpoints";
inline constexpr std::string_view images_folder_name = "images";
inline constexpr std::string_view control_name = "control";

/// `images/<hash>`.
std::string image_name(const Digest& hash);

/// One of: trace.header; log/<6 digits or more>.open or .zst; checkpoints/pages; checkpoints/<letters, digits, - and
/// _>.checkpoint; images/<32 lower-case hex digits>. Such a name stays in its folder wherever it is put.
bool is_trace_file(std::string_view name);

}  // namespace lockstitch::sync
