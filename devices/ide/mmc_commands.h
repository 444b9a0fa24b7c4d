// What a CD drive answers to the packet commands that only ask: inquiry, tables of contents, configuration, mode pages.
// Pure functions of the packet and what is in the drive. Not here: commands that move data or change the drive
// (cd_drive.h). Source: MMC-5, SPC-3; reference/platform.md 7.8.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lockstitch {

using Packet = std::array<std::uint8_t, 12>;

/// Why a command failed: sense key, additional code and its qualifier. Key 0: it did not.
struct Sense {
  std::uint8_t key = 0, code = 0, qualifier = 0;
  friend bool operator==(const Sense&, const Sense&) = default;
};
inline constexpr Sense sense_no_medium{2, 0x3a, 0}, sense_unknown_command{5, 0x20, 0}, sense_out_of_range{5, 0x21, 0},
    sense_bad_field{5, 0x24, 0}, sense_not_saved{5, 0x39, 0}, sense_wrong_medium{5, 0x30, 2},
    sense_not_removable{5, 0x53, 2}, sense_medium_changed{6, 0x28, 0}, sense_reset{6, 0x29, 0};

/// Codes of the events of a medium, as GET EVENT STATUS NOTIFICATION reports them.
enum class MediumEvent : std::uint8_t { none = 0, new_medium = 2, removed = 3 };

struct CdState {
  bool present = false;
  std::uint32_t blocks = 0;  ///< of 2048 bytes, of what is in the drive
  bool locked = false, tray_open = false;
  MediumEvent event = MediumEvent::none;
  std::string_view serial;
};

struct MmcAnswer {
  Sense sense;
  std::vector<std::uint8_t> data;  ///< already cut to what the guest allows
};

/// Unit: bytes. More than any answer.
inline constexpr std::size_t mmc_answer_max_bytes = 4096;
inline constexpr std::uint32_t cd_block_bytes = 2048;

inline std::uint32_t packet_number(const Packet& packet, unsigned offset, unsigned bytes) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value = value << 8 | packet[offset + i];
  return value;
}

/// True for commands that work without a medium and before an attention has been reported.
bool mmc_always_works(std::uint8_t code);
/// Answers that need a medium but find none say so themselves.
MmcAnswer mmc_answer(const Packet& packet, const CdState& drive);
/// REQUEST SENSE.
MmcAnswer sense_answer(const Packet& packet, const Sense& sense);

}  // namespace lockstitch
