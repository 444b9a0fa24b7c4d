// A guest's screen for people who look at it now and then: as text, as a file.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "lockstitch/screen.h"

namespace lockstitch::app {

/// UTF-8. Fails: null (the machine has no screen), or it shows graphics.
Result<std::string> screen_text(const Screen* screen);

/// A PNG file. Fails: null, or the file cannot be written.
Outcome screen_to_file(const Screen* screen, const std::string& path);

}  // namespace lockstitch::app
