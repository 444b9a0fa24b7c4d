// What all commands have in common in reading their flags with CLI11: help, sentences for what is wrong, suggestions.
#pragma once
#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// `app` has all its options. False: help is wanted; it was not printed. Fails: an unknown flag, a missing value, one
/// argument too many; `extra` says what there can be only one of, e.g. "a run has one guest file".
Result<bool> parse_flags(CLI::App& app, const std::vector<std::string>& arguments, const std::string& extra);

/// `--images DIR`, as often as wanted.
void add_images_flag(CLI::App& app, std::vector<std::string>& images);

/// Descriptions in lines that a terminal shows whole.
std::string wrapped(std::string_view text);

/// Unit: columns. Where descriptions begin.
inline constexpr std::size_t description_column = 30;

/// A whole number from 0 on, decimal or 0x. Fails: says why without naming the flag.
Result<std::uint64_t> parse_whole_number(const std::string& text);

}  // namespace lockstitch::app
