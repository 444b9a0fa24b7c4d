// What the cable does to frames, and the commands that change it. Pure: no descriptors, no clock.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace lockstitch::wire {

struct Settings {
  std::int64_t delay_ns = 0;
  /// Each frame's delay differs from delay_ns by at most this, either way.
  std::int64_t jitter_ns = 0;
  double loss_percent = 0;
  bool cut_ab = false, cut_ba = false;
  std::mt19937_64 random{1};
};

enum class Verdict { go_on, quit };

/// Applies one command line (without its newline). Appends the answer to `answer`, newline included.
Verdict obey(std::string_view line, Settings& settings, std::string& answer);

/// Draws whether the next frame is lost.
bool loses(Settings& settings);
/// Draws how long the next frame is on its way.
std::int64_t travel_ns(Settings& settings);

}  // namespace lockstitch::wire
