// A disk as the core sees it: contents that are a function of (image, past writes). Timing is the device's business; an
// I/O error of the host never reaches the guest (the implementation stops the replica instead).
#pragma once
#include <cstdint>

#include "lockstitch/types.h"

namespace lockstitch {

inline constexpr std::uint64_t sector_bytes = 512;

class BlockPort {
 public:
  virtual ~BlockPort() = default;
  /// Unit: 512-byte sectors. Constant while the machine runs.
  virtual std::uint64_t sectors() const = 0;
  virtual bool read_only() const = 0;
  /// Hint that these sectors will be read soon; may start host I/O. Never changes contents.
  virtual void prepare(std::uint64_t sector, std::uint64_t bytes) = 0;
  /// Order: calls take effect in call order. Range: inside the disk, checked by the caller. Blocks until done.
  virtual void read(std::uint64_t sector, MutableBytes out) = 0;
  virtual void write(std::uint64_t sector, Bytes in) = 0;
  /// All earlier writes are durable when this returns.
  virtual void flush() = 0;
};

}  // namespace lockstitch
