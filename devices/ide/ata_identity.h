// The 256 words by which a drive describes itself (IDENTIFY DEVICE, IDENTIFY PACKET DEVICE). Not here: who keeps the
// settings that they show.
#pragma once
#include <cstdint>
#include <string_view>

#include "lockstitch/types.h"

namespace lockstitch {

inline constexpr std::size_t identity_bytes = 512;

/// The transfer mode a driver has chosen, as SET FEATURES 03h names it: kind in bits 7:3, number in 2:0.
struct TransferMode {
  std::uint8_t value = 0x45;  ///< Ultra DMA 5
};

constexpr bool is_transfer_mode(std::uint8_t value) {
  const unsigned kind = value >> 3, number = value & 7;
  switch (kind) {
    case 0:
      return number <= 1;  // port, by default
    case 1:
      return number <= 4;  // port with flow control
    case 2:
      return number <= 2;  // single word DMA
    case 4:
      return number <= 2;  // multiword DMA
    case 8:
      return number <= 5;  // Ultra DMA
    default:
      return false;
  }
}

struct DiskIdentity {
  std::uint64_t sectors = 0;
  std::uint16_t cylinders = 0, heads = 0, track_sectors = 0;  ///< the geometry by default
  std::uint16_t current_heads = 0, current_track_sectors = 0;
  std::uint8_t multiple = 0;  ///< sectors; 0: switched off
  TransferMode mode;
  bool write_cache = true, look_ahead = true;
  std::string_view serial;
};

/// Range: out.size() is identity_bytes. Source: ATA/ATAPI-6 8.15
void describe_disk(const DiskIdentity& disk, MutableBytes out);
/// Source: ATA/ATAPI-6 8.16
void describe_cd(TransferMode mode, std::string_view serial, MutableBytes out);

}  // namespace lockstitch
