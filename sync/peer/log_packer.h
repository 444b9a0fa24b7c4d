// The log on its way to the follower, compressed as one stream over all of its messages: what came before is what the
// next message is described by, for frames resemble each other. Both ends begin anew with each follower.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace lockstitch::sync {

class LogPacker {
 public:
  LogPacker();
  ~LogPacker();
  /// As when it was made.
  void begin();
  /// One message; the peer can unpack it without the next.
  std::vector<std::uint8_t> pack(Bytes batch);

 private:
  ZSTD_CCtx_s* context_;
};

class LogUnpacker {
 public:
  LogUnpacker();
  ~LogUnpacker();
  void begin();
  /// Any bytes are safe. Fails: not the continuation of the stream, or more than `limit_bytes` come out.
  Result<std::vector<std::uint8_t>> unpack(Bytes packed, std::size_t limit_bytes = unpacked_max_bytes);

 private:
  /// Unit: bytes. What Cap'n Proto reads of a batch, packed.
  static constexpr std::size_t unpacked_max_bytes = 64u << 20;

  ZSTD_DCtx_s* context_;
};

}  // namespace lockstitch::sync
