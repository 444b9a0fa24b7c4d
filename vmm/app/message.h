// Sentences for the person, on stderr. Not here: what they say.
#pragma once
#include <string>
#include <string_view>

namespace lockstitch::app {

/// One line that starts with a capital letter and ends with a full stop, whatever file names and libraries put into it.
std::string sentence(std::string_view text);

/// Prints `lockstitch: ` and the sentence.
void say(std::string_view text);

}  // namespace lockstitch::app
