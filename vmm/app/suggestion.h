// What a person may have meant by a word that is not known.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace lockstitch::app {

/// "; did you mean 'X'?" with the known word that is nearest, or "; " and `otherwise` when none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, std::string_view otherwise);

/// The known word nearest to `word`, or empty when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

/// "a, b, c"
std::string listed(std::span<const std::string_view> words);

}  // namespace lockstitch::app
