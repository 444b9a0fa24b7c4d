// See virtio_rng.h.
#include "devices/virtio/virtio_rng.h"

namespace lockstitch {

void VirtioRng::notified(unsigned queue) {
  bool used = false;
  while (transport().take(queue, chain_)) {
    const MutableBytes bytes = MutableBytes(buffer_).first(std::min(chain_.writable_bytes(), buffer_.size()));
    random_.fill(bytes);
    if (!transport().write(chain_, 0, bytes) || !transport().complete(queue, chain_.head(), bytes.size())) return;
    used = true;
  }
  if (used) transport().interrupt(queue);
}

}  // namespace lockstitch
