// See frame.h.
#include "sync/log/frame.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "lockstitch/assert.h"

namespace lockstitch::sync {
namespace {

constexpr std::uint32_t magic = 0x4854'534c;  // "LSTH"

void put(std::uint8_t* at, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t get(const std::uint8_t* at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{at[i]} << (8 * i);
  return value;
}

Chain chain_after(Chain before, Bytes payload) {
  const XXH128_hash_t own = XXH3_128bits(payload.data(), payload.size());
  std::array<std::uint8_t, 32> both;
  put(&both[0], before.high, 8);
  put(&both[8], before.low, 8);
  put(&both[16], own.high64, 8);
  put(&both[24], own.low64, 8);
  const XXH128_hash_t chain = XXH3_128bits(both.data(), both.size());
  return {chain.high64, chain.low64};
}

/// Of magic and length, so that a changed length is not mistaken for a cut.
std::uint64_t header_check(const std::uint8_t* header, Chain before) {
  std::array<std::uint8_t, 24> text;
  std::copy_n(header, 8, text.begin());
  put(&text[8], before.high, 8);
  put(&text[16], before.low, 8);
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace

Chain append_frame(std::vector<std::uint8_t>& out, Bytes payload, Chain before) {
  LS_ASSERT_CMP(payload.size(), <=, frame_max_bytes);
  const Chain after = chain_after(before, payload);
  std::array<std::uint8_t, frame_header_bytes> header;
  put(&header[0], magic, 4);
  put(&header[4], payload.size(), 4);
  put(&header[8], header_check(header.data(), before), 8);
  put(&header[16], after.low, 8);
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), payload.begin(), payload.end());
  return after;
}

Frame read_frame(Bytes bytes, Chain before) {
  Frame frame;
  if (bytes.empty()) {
    frame.fault = FrameFault::end;
    return frame;
  }
  if (bytes.size() < frame_header_bytes) {
    frame.fault = FrameFault::cut;
    return frame;
  }
  const std::uint64_t length = get(&bytes[4], 4);
  if (get(&bytes[0], 4) != magic || length > frame_max_bytes ||
      get(&bytes[8], 8) != header_check(bytes.data(), before)) {
    frame.fault = FrameFault::damaged;
    return frame;
  }
  if (bytes.size() - frame_header_bytes < length) {
    frame.fault = FrameFault::cut;
    return frame;
  }
  frame.payload = bytes.subspan(frame_header_bytes, length);
  frame.bytes = frame_header_bytes + length;
  frame.after = chain_after(before, frame.payload);
  if (get(&bytes[16], 8) != frame.after.low) frame.fault = FrameFault::damaged;
  return frame;
}

}  // namespace lockstitch::sync
