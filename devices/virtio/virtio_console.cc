// See virtio_console.h.
#include "devices/virtio/virtio_console.h"

namespace lockstitch {

VirtioConsole::VirtioConsole(EffectPort& output) : output_(output), buffer_(output_max_bytes) {}

void VirtioConsole::power_on() {
  input_.clear();
  dropped_input_bytes_ = dropped_output_bytes_ = 0;
}

void VirtioConsole::visit(StateVisitor& v) {
  v.blob("input", input_, input_max_bytes);
  v.field("dropped_input_bytes", dropped_input_bytes_);
  v.field("dropped_output_bytes", dropped_output_bytes_);
}

void VirtioConsole::arrive(Bytes payload) {
  const std::size_t kept = std::min(payload.size(), input_max_bytes - input_.size());
  input_.insert(input_.end(), payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(kept));
  dropped_input_bytes_ += payload.size() - kept;
  receive();
}

void VirtioConsole::notified(unsigned queue) {
  if (queue == receive_queue) receive();
  if (queue == transmit_queue) transmit();
}

void VirtioConsole::receive() {
  std::size_t done = 0;
  bool used = false;
  while (done < input_.size() && transport().take(receive_queue, chain_)) {
    const Bytes part =
        Bytes(input_).subspan(done, std::min<std::uint64_t>(chain_.writable_bytes(), input_.size() - done));
    if (!transport().write(chain_, 0, part) || !transport().complete(receive_queue, chain_.head(), part.size())) break;
    done += part.size();
    used = true;
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(done));
  if (used) transport().interrupt(receive_queue);
}

void VirtioConsole::transmit() {
  bool used = false;
  while (transport().take(transmit_queue, chain_)) {
    const MutableBytes bytes =
        MutableBytes(buffer_).first(std::min<std::uint64_t>(chain_.readable_bytes(), buffer_.size()));
    if (!transport().read(chain_, 0, bytes)) return;
    dropped_output_bytes_ += chain_.readable_bytes() - bytes.size();
    if (!bytes.empty()) output_.emit(bytes);
    if (!transport().complete(transmit_queue, chain_.head(), 0)) return;
    used = true;
  }
  if (used) transport().interrupt(transmit_queue);
}

}  // namespace lockstitch
