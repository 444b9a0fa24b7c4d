// See image_hash.h.
#include "sync/trace/image_hash.h"

#include <xxhash.h>

#include <array>
#include <vector>

#include "lockstitch/assert.h"

namespace lockstitch::sync {
namespace {

Digest hash_of(Bytes bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

const Digest& hash_of_zeros() {
  static const Digest hash = hash_of(std::vector<std::uint8_t>(image_piece_bytes));
  return hash;
}

void put(std::uint8_t* at, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace

void ImageHash::FreeState::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

ImageHash::ImageHash() : state_(XXH3_createState()) {
  LS_ASSERT(state_ != nullptr);
  XXH3_128bits_reset(state_.get());
}

bool ImageHash::add(Bytes piece) {
  LS_ASSERT_CMP(piece.size(), <=, image_piece_bytes);
  const Digest hash = hash_of(piece);
  add_hash(hash, piece.size());
  return piece.size() == image_piece_bytes && hash == hash_of_zeros();
}

void ImageHash::add_zeros() { add_hash(hash_of_zeros(), image_piece_bytes); }

void ImageHash::add_hash(const Digest& piece, std::uint64_t piece_bytes) {
  LS_ASSERT_CMP(bytes_ % image_piece_bytes, ==, 0);
  std::array<std::uint8_t, 16> text;
  put(&text[0], piece.high);
  put(&text[8], piece.low);
  XXH3_128bits_update(state_.get(), text.data(), text.size());
  bytes_ += piece_bytes;
}

ImageIdentity ImageHash::identity() const {
  std::unique_ptr<XXH3_state_s, FreeState> end(XXH3_createState());
  LS_ASSERT(end != nullptr);
  XXH3_copyState(end.get(), state_.get());
  std::array<std::uint8_t, 8> length;
  put(length.data(), bytes_);
  XXH3_128bits_update(end.get(), length.data(), length.size());
  const XXH128_hash_t hash = XXH3_128bits_digest(end.get());
  return {bytes_, {hash.high64, hash.low64}};
}

}  // namespace lockstitch::sync
