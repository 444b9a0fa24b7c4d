// See virtio_net.h.
#include "devices/virtio/virtio_net.h"

namespace lockstitch {
namespace {
constexpr unsigned feature_mac = 5, feature_merge_buffers = 15, feature_status = 16;
constexpr unsigned buffer_count_offset = 10;
constexpr std::uint8_t link_up = 1;
}  // namespace

std::uint64_t VirtioNet::features() const {
  return std::uint64_t{1} << feature_mac | std::uint64_t{1} << feature_merge_buffers |
         std::uint64_t{1} << feature_status;
}

std::uint8_t VirtioNet::config(unsigned offset) const {
  if (offset < mac_.size()) return mac_[offset];
  return offset == mac_.size() ? link_up : 0;
}

void VirtioNet::power_on() {
  reset();
  dropped_received_ = dropped_transmitted_ = 0;
}

void VirtioNet::visit(StateVisitor& v) {
  v.list("waiting", waiting_, waiting_max_frames, [](StateVisitor& each, std::vector<std::uint8_t>& frame) {
    each.blob("frame", frame, frame_max_bytes);
    if (each.loading() && frame.size() < frame_min_bytes) each.fail("virtio-net: a frame shorter than its header");
  });
  v.field("dropped_received", dropped_received_);
  v.field("dropped_transmitted", dropped_transmitted_);
}

void VirtioNet::notified(unsigned queue) {
  if (queue == receive_queue) receive_waiting();
  if (queue == transmit_queue) transmit();
}

void VirtioNet::arrive(Bytes frame) {
  if (frame.size() < frame_min_bytes || frame.size() > frame_max_bytes || !transport().running() ||
      waiting_.size() == waiting_max_frames) {
    ++dropped_received_;
    return;
  }
  if (!waiting_.empty()) {
    waiting_.emplace_back(frame.begin(), frame.end());
    return;
  }
  switch (deliver(frame)) {
    case Delivery::done: transport().interrupt(receive_queue); break;
    case Delivery::dropped: ++dropped_received_; break;
    case Delivery::no_buffer: waiting_.emplace_back(frame.begin(), frame.end()); break;
  }
}

void VirtioNet::receive_waiting() {
  bool used = false;
  while (!waiting_.empty()) {
    const Delivery delivery = deliver(waiting_.front());
    if (delivery == Delivery::no_buffer) break;
    if (delivery == Delivery::dropped) ++dropped_received_;
    used |= delivery == Delivery::done;
    waiting_.pop_front();
  }
  if (used) transport().interrupt(receive_queue);
}

VirtioNet::Delivery VirtioNet::deliver(Bytes frame) {
  const std::size_t needed = header_bytes + frame.size();
  // First find out how many buffers it takes, because their number stands in the first of them.
  std::array<std::uint16_t, limits::virtqueue_max_entries> heads;
  const unsigned most = transport().negotiated(feature_merge_buffers) ? transport().queue_size(receive_queue) : 1;
  std::uint64_t room = 0;
  unsigned count = 0;
  while (room < needed && count < most) {
    if (!transport().take(receive_queue, chain_)) {
      if (!transport().running()) return Delivery::dropped;
      transport().give_back(receive_queue, count);
      return Delivery::no_buffer;
    }
    heads[count++] = chain_.head();
    room += chain_.writable_bytes();
  }
  if (room < needed) {  // and there can never be more
    transport().give_back(receive_queue, count);
    return Delivery::dropped;
  }
  const MutableBytes packet = MutableBytes(buffer_).first(needed);
  std::fill_n(packet.begin(), header_bytes, std::uint8_t{0});
  packet[buffer_count_offset] = static_cast<std::uint8_t>(count);
  packet[buffer_count_offset + 1] = static_cast<std::uint8_t>(count >> 8);
  std::copy(frame.begin(), frame.end(), packet.begin() + header_bytes);
  std::size_t done = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (count > 1 && !transport().walk(receive_queue, heads[i], chain_)) return Delivery::dropped;
    const Bytes part = packet.subspan(done, std::min<std::uint64_t>(chain_.writable_bytes(), needed - done));
    if (!transport().write(chain_, 0, part)) return Delivery::dropped;
    if (!transport().complete(receive_queue, heads[i], part.size())) return Delivery::dropped;
    done += part.size();
  }
  return Delivery::done;
}

void VirtioNet::transmit() {
  bool used = false;
  while (transport().take(transmit_queue, chain_)) {
    const std::uint64_t bytes = chain_.readable_bytes();
    if (bytes >= header_bytes + frame_min_bytes && bytes <= header_bytes + frame_max_bytes) {
      const MutableBytes frame = MutableBytes(buffer_).first(bytes - header_bytes);
      if (!transport().read(chain_, header_bytes, frame)) return;
      wire_.emit(frame);
    } else {
      ++dropped_transmitted_;
    }
    if (!transport().complete(transmit_queue, chain_.head(), 0)) return;
    used = true;
  }
  if (used) transport().interrupt(transmit_queue);
}

}  // namespace lockstitch
