// See log_packer.h.
#include "sync/peer/log_packer.h"

#include <zstd.h>

#include <algorithm>

#include "lockstitch/assert.h"

namespace lockstitch::sync {
namespace {

/// As fast as it gets: the guest's answers wait for it.
constexpr int level = 1;
/// 2 to the power of this many bytes are looked back at.
constexpr int window_log = 17;

Error no_continuation() { return {ExitCode::bad_input, "a part of the log does not continue what came before it"}; }

}  // namespace

LogPacker::LogPacker() : context_(ZSTD_createCCtx()) {
  LS_ASSERT(context_ != nullptr);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, window_log);
}
LogPacker::~LogPacker() { ZSTD_freeCCtx(context_); }
void LogPacker::begin() { ZSTD_CCtx_reset(context_, ZSTD_reset_session_only); }

std::vector<std::uint8_t> LogPacker::pack(Bytes batch) {
  std::vector<std::uint8_t> packed(ZSTD_compressBound(batch.size()) + ZSTD_CStreamOutSize() / 64);
  ZSTD_inBuffer in{batch.data(), batch.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  for (;;) {
    const std::size_t left = ZSTD_compressStream2(context_, &out, &in, ZSTD_e_flush);
    LS_ASSERT(!ZSTD_isError(left));
    if (left == 0) break;
    packed.resize(packed.size() + left);
    out.dst = packed.data();
    out.size = packed.size();
  }
  packed.resize(out.pos);
  return packed;
}

LogUnpacker::LogUnpacker() : context_(ZSTD_createDCtx()) {
  LS_ASSERT(context_ != nullptr);
  ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, window_log);
}
LogUnpacker::~LogUnpacker() { ZSTD_freeDCtx(context_); }
void LogUnpacker::begin() { ZSTD_DCtx_reset(context_, ZSTD_reset_session_only); }

Result<std::vector<std::uint8_t>> LogUnpacker::unpack(Bytes packed, std::size_t limit_bytes) {
  std::vector<std::uint8_t> batch(std::min<std::size_t>(limit_bytes, 4 * packed.size() + 256));
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer out{batch.data(), batch.size(), 0};
  for (;;) {
    const std::size_t before_in = in.pos, before_out = out.pos;
    const std::size_t hint = ZSTD_decompressStream(context_, &out, &in);
    // The stream never ends: each message leaves it open for the next.
    if (ZSTD_isError(hint) || hint == 0) return no_continuation();
    if (out.pos < out.size) {
      if (in.pos == in.size) break;
      if (in.pos == before_in && out.pos == before_out) return no_continuation();
      continue;
    }
    if (batch.size() >= limit_bytes) return no_continuation();
    batch.resize(std::min(limit_bytes, 2 * batch.size()));
    out.dst = batch.data();
    out.size = batch.size();
  }
  batch.resize(out.pos);
  return batch;
}

}  // namespace lockstitch::sync
