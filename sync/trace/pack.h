// A trace with all it needs in one file: a tar archive compressed by zstd, which `tar --zstd` reads too. Entries are
// plain files by the names of layout.h in the order of their names, and last `manifest`: for each, the hash of its
// contents as of an image, its length and its name. Zeros of images are left out as in GNU's sparse format 1.0. The
// bytes are a function of the trace's contents alone. What is not in the manifest, or not as it says, was damaged.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "sync/log/header.h"
#include "sync/trace/trace_folder.h"

namespace lockstitch::sync {

/// Done and total, in bytes of nothing in particular; the last call has them equal. May be empty.
using PackProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Writes the new file `file`, whole or not at all. Fails: an image is not found or changed, the folder is no trace,
/// the trace grows meanwhile, `file` exists already, unwritable, disk full.
Outcome pack_trace(const TraceFolder& folder, const std::vector<ImageReference>& images,
                   const std::vector<std::string>& search, const std::string& file, const PackProgress& progress);

/// A file that begins as an archive of zstd or tar does.
bool is_packed(const std::string& path);

/// Makes `folder`, or fills an empty one, whole or not at all. Nothing is believed of the file: only plain files by the
/// names of layout.h come out, none is longer than it claims. Fails: no such archive, cut off, damaged, anything else
/// in it, `folder` holds something, unwritable, disk full.
Outcome unpack_trace(const std::string& file, const std::string& folder, const PackProgress& progress);

}  // namespace lockstitch::sync
