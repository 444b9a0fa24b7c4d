// See state_hasher.h.
#include "vmm/machine/state_hasher.h"

#define XXH_STATIC_LINKING_ONLY  // makes the size of the stream's state known
#include <xxhash.h>

#include "lockstitch/assert.h"

namespace lockstitch {

struct StateHasher::Stream {
  XXH3_state_t state;
};

StateHasher::StateHasher() : stream_(std::make_unique<Stream>()) {
  LS_ASSERT(XXH3_128bits_reset(&stream_->state) == XXH_OK);
}

StateHasher::~StateHasher() = default;

void StateHasher::put(Bytes bytes) { XXH3_128bits_update(&stream_->state, bytes.data(), bytes.size()); }

Digest StateHasher::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&stream_->state);
  return {hash.high64, hash.low64};
}

Digest hash_state(Stateful& component) {
  StateHasher hasher;
  component.visit(hasher);
  return hasher.digest();
}

Digest hash_bytes(Bytes bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

}  // namespace lockstitch
