// What names an image: a hash over its contents, taken piece by piece, so that it needs no more than a piece in memory
// and a hole costs nothing. XXH3-128 over the XXH3-128 hashes of the pieces (high, then low) and the length in bytes,
// all little-endian. It finds accidents; it is no defence against somebody who makes two files for one hash.
#pragma once
#include <cstdint>
#include <memory>

#include "lockstitch/digest.h"
#include "lockstitch/types.h"

struct XXH3_state_s;

namespace lockstitch::sync {

/// Part of the format: another size gives other hashes.
inline constexpr std::size_t image_piece_bytes = 1u << 20;

struct ImageIdentity {
  std::uint64_t bytes = 0;
  Digest hash;
  friend constexpr bool operator==(const ImageIdentity&, const ImageIdentity&) = default;
};

class ImageHash {
 public:
  ImageHash();

  /// The next piece; only the last one may be shorter than image_piece_bytes. True: a whole piece of nothing but zeros.
  bool add(Bytes piece);
  /// A whole piece of zeros, without looking at any.
  void add_zeros();

  ImageIdentity identity() const;

 private:
  struct FreeState {
    void operator()(XXH3_state_s* state) const;
  };

  void add_hash(const Digest& piece, std::uint64_t piece_bytes);

  std::unique_ptr<XXH3_state_s, FreeState> state_;
  std::uint64_t bytes_ = 0;
};

}  // namespace lockstitch::sync
