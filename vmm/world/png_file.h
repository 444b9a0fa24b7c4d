// A picture as a PNG file.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "lockstitch/screen.h"

namespace lockstitch::world {

/// The file is there whole or as it was before. Fails: the folder is missing or takes no file; no room.
Outcome write_png(const std::string& path, const Picture& picture);

}  // namespace lockstitch::world
