// What a PS/2 keyboard sends for each key, in the three scan code sets, and the translation from set 2 to set 1 that
// the controller makes. Keys are named by Linux evdev codes. Not here: when something is sent.
#pragma once
#include <array>
#include <cstdint>

namespace lockstitch {

/// evdev codes of the keys that change what Print Screen and Pause send.
inline constexpr std::uint16_t key_left_ctrl = 29, key_left_shift = 42, key_right_shift = 54, key_left_alt = 56,
                               key_right_ctrl = 97, key_print = 99, key_right_alt = 100, key_pause = 119;

/// Keys with a scan code have evdev codes below this.
inline constexpr std::uint16_t key_codes = 256;

struct ScanCode {
  std::uint8_t set2 = 0;        ///< 0: no such key
  std::uint8_t set3 = 0;        ///< 0: no code in set 3
  bool extended = false;        ///< E0h goes before the code (sets 1 and 2)
  bool silent_release = false;  ///< nothing is sent for the release
};

/// What goes over the wire for one press or release.
struct ScanSequence {
  std::array<std::uint8_t, 8> bytes{};
  std::uint8_t size = 0;
  void add(std::uint8_t byte) { bytes[size++] = byte; }
};

/// Which of the modifier keys are down.
struct Modifiers {
  bool ctrl = false, shift = false, alt = false;
};

/// The key with this evdev code; a key without a scan code has set2 == 0.
ScanCode scan_code(std::uint16_t key);
inline bool has_scan_code(std::uint16_t key) { return scan_code(key).set2 != 0; }

/// Range: `key` has a scan code.
ScanSequence set2_sequence(std::uint16_t key, bool released, Modifiers with);
/// Range: `sequence` is one of set 2.
ScanSequence set1_sequence(const ScanSequence& set2);
/// `release_sent`: in set 3 the guest says for each key whether its release is sent.
ScanSequence set3_sequence(std::uint16_t key, bool released, bool release_sent);

/// One byte on its way through a controller that translates. F0h is not here: it becomes bit 7 of the next byte.
std::uint8_t translated(std::uint8_t set2);

}  // namespace lockstitch
