// A pair's record as the text of a small file, with a checksum: what the file arbiter and the witness keep.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "sync/replica/term.h"

namespace lockstitch::sync {

std::string record_text(const std::string& pair, const ArbiterRecord& record);

/// Of the file `path`. Fails: damaged, or another pair's; says so and what to do.
Result<ArbiterRecord> parse_record_text(const std::string& text, const std::string& pair, const std::string& path);

/// Reads such a file. `missing` is set when there is none, and the record is that of a guest that never ran.
Result<ArbiterRecord> read_record_file(const std::string& path, const std::string& pair, bool& missing);

}  // namespace lockstitch::sync
