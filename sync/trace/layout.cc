// See layout.h.
#include "sync/trace/layout.h"

#include <algorithm>
#include <optional>

namespace lockstitch::sync {
namespace {

constexpr std::size_t stem_max_characters = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_plain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool all_of(std::string_view text, bool (*fits)(char)) { return std::all_of(text.begin(), text.end(), fits); }

std::optional<std::string_view> without_ending(std::string_view name, std::string_view ending) {
  if (!name.ends_with(ending)) return std::nullopt;
  return name.substr(0, name.size() - ending.size());
}

bool is_segment(std::string_view name) {
  auto stem = without_ending(name, ".open");
  if (!stem) stem = without_ending(name, ".zst");
  return stem && stem->size() >= 6 && stem->size() <= 20 && all_of(*stem, is_digit);
}

bool is_checkpoint(std::string_view name) {
  if (name == "pages") return true;
  const auto stem = without_ending(name, ".checkpoint");
  return stem && !stem->empty() && stem->size() <= stem_max_characters && all_of(*stem, is_plain);
}

}  // namespace

std::string image_name(const Digest& hash) { return std::string(images_folder_name) + "/" + to_text(hash); }

bool is_trace_file(std::string_view name) {
  if (name == header_name) return true;
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view folder = name.substr(0, slash);
  const std::string_view file = name.substr(slash + 1);
  if (folder == log_folder_name) return is_segment(file);
  if (folder == checkpoints_folder_name) return is_checkpoint(file);
  if (folder == images_folder_name) return file.size() == 32 && all_of(file, is_hex);
  return false;
}

}  // namespace lockstitch::sync
