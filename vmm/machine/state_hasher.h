// The fingerprint of components: XXH3 with 128 bits over the stream of state_format.h, names included.
// Not here: guest memory (memory_digest.h), effects (connections.h).
#pragma once
#include <memory>

#include "lockstitch/digest.h"
#include "vmm/machine/state_format.h"

namespace lockstitch {

class StateHasher final : public StateEncoder {
 public:
  StateHasher();
  ~StateHasher() override;

  /// Of everything visited so far.
  Digest digest() const;

 private:
  struct Stream;

  void put(Bytes bytes) override;

  std::unique_ptr<Stream> stream_;
};

Digest hash_state(Stateful& component);

/// Of plain bytes.
Digest hash_bytes(Bytes bytes);

}  // namespace lockstitch
