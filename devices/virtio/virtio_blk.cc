// See virtio_blk.h.
#include "devices/virtio/virtio_blk.h"

namespace lockstitch {
namespace {
constexpr unsigned queue = 0;
constexpr unsigned feature_seg_max = 2, feature_read_only = 5, feature_blk_size = 6, feature_flush = 9;
constexpr std::uint32_t kind_in = 0, kind_out = 1, kind_flush = 4, kind_get_id = 8;
constexpr std::uint8_t status_ok = 0, status_io_error = 1, status_unsupported = 2;
constexpr std::uint64_t header_bytes = 16, status_bytes = 1;
/// Header and status take a descriptor each.
constexpr std::uint32_t segments_max = limits::virtqueue_max_entries - 2;
/// Unit: bytes. Data moves between disk and memory in pieces of this size.
constexpr std::size_t piece_bytes = 65'536;

constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }

std::uint64_t little_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}
}  // namespace

VirtioBlk::VirtioBlk(BlockPort& disk, ClockPort& clock, std::string_view serial)
    : disk_(disk), clock_(clock), buffer_(piece_bytes) {
  std::copy_n(serial.begin(), std::min(serial.size(), serial_.size()), serial_.begin());
  requests_.reserve(limits::virtqueue_max_entries);
}

std::uint64_t VirtioBlk::features() const {
  return bit(feature_seg_max) | bit(feature_blk_size) | bit(feature_flush) |
         (disk_.read_only() ? bit(feature_read_only) : 0);
}

std::uint8_t VirtioBlk::config(unsigned offset) const {
  if (offset < 8) return static_cast<std::uint8_t>(disk_.sectors() >> (8 * offset));
  if (offset >= 12 && offset < 16) return static_cast<std::uint8_t>(segments_max >> (8 * (offset - 12)));
  if (offset >= 20 && offset < 24) return static_cast<std::uint8_t>(sector_bytes >> (8 * (offset - 20)));
  return 0;
}

void VirtioBlk::reset() {
  requests_.clear();
  completion_->cancel();
}

void VirtioBlk::visit(StateVisitor& v) {
  v.list("requests", requests_, limits::virtqueue_max_entries, [](StateVisitor& each, Request& request) {
    each.field("head", request.head);
    each.field("kind", request.kind);
    each.field("sector", request.sector);
    each.field("bytes", request.bytes);
    each.field("complete_at_ns", request.complete_at);
  });
}

void VirtioBlk::notified(unsigned) {
  complete_due();
  accept();
  arm();
}

void VirtioBlk::alarm() {
  // A full list may have left requests in the ring; their notification is past.
  const bool was_full = requests_.size() == limits::virtqueue_max_entries;
  complete_due();
  if (was_full) accept();
  arm();
}

void VirtioBlk::arm() {
  if (requests_.empty() || !transport().running()) {
    completion_->cancel();
  } else {
    completion_->set(requests_.front().complete_at);
  }
}

bool VirtioBlk::in_range(const Request& request) const {
  const std::uint64_t sectors = request.bytes / sector_bytes;
  return request.bytes % sector_bytes == 0 && request.bytes <= limits::block_request_max_bytes &&
         request.sector <= disk_.sectors() && sectors <= disk_.sectors() - request.sector;
}

void VirtioBlk::accept() {
  std::array<std::uint8_t, header_bytes> header;
  while (requests_.size() < limits::virtqueue_max_entries && transport().take(queue, chain_)) {
    if (chain_.readable_bytes() < header_bytes || chain_.writable_bytes() < status_bytes) {
      return transport().broken();  // nowhere to say what is wrong
    }
    if (!transport().read(chain_, 0, header)) return;
    Request request{.head = chain_.head(),
                    .kind = static_cast<std::uint32_t>(little_endian(Bytes(header).first(4))),
                    .sector = little_endian(Bytes(header).subspan(8))};
    std::uint64_t latency_ns = request_ns, moved_bytes = 0;
    if (request.kind == kind_in) {
      request.bytes = chain_.writable_bytes() - status_bytes;
      if (in_range(request)) {
        moved_bytes = request.bytes;
        if (moved_bytes != 0) disk_.prepare(request.sector, moved_bytes);
      }
    } else if (request.kind == kind_out) {
      request.bytes = chain_.readable_bytes() - header_bytes;
      if (in_range(request)) moved_bytes = request.bytes;
    } else if (request.kind == kind_flush) {
      latency_ns = flush_ns;
    }
    VirtualNs start = clock_.now() + latency_ns;
    if (!requests_.empty()) start = std::max(start, requests_.back().complete_at);
    request.complete_at = start + moved_bytes * byte_ns;
    requests_.push_back(request);
  }
}

void VirtioBlk::complete_due() {
  const VirtualNs now = clock_.now();
  std::size_t done = 0;
  while (done < requests_.size() && requests_[done].complete_at <= now && transport().running()) {
    if (!execute(requests_[done])) break;
    ++done;
  }
  requests_.erase(requests_.begin(), requests_.begin() + static_cast<std::ptrdiff_t>(done));
  if (done != 0) transport().interrupt(queue);
}

bool VirtioBlk::execute(const Request& request) {
  if (!transport().walk(queue, request.head, chain_)) return false;
  // What was accepted must still be what stands in the ring.
  const bool same = chain_.readable_bytes() >= header_bytes && chain_.writable_bytes() >= status_bytes &&
                    (request.kind != kind_in || chain_.writable_bytes() - status_bytes == request.bytes) &&
                    (request.kind != kind_out || chain_.readable_bytes() - header_bytes == request.bytes);
  if (!same) {
    transport().broken();
    return false;
  }
  std::array<std::uint8_t, status_bytes> status{status_ok};
  std::uint64_t written = status_bytes;
  switch (request.kind) {
    case kind_in: case kind_out:
      if (!in_range(request) || (request.kind == kind_out && disk_.read_only())) {
        status[0] = status_io_error;
      } else if (!transfer(request)) {
        return false;
      } else if (request.kind == kind_in) {
        written += request.bytes;
      }
      break;
    case kind_flush: disk_.flush(); break;
    case kind_get_id: {
      const Bytes id = Bytes(serial_).first(std::min(chain_.writable_bytes() - status_bytes, serial_.size()));
      if (!transport().write(chain_, 0, id)) return false;
      written += id.size();
      break;
    }
    default: status[0] = status_unsupported; break;
  }
  return transport().write(chain_, chain_.writable_bytes() - status_bytes, status) &&
         transport().complete(queue, request.head, written);
}

bool VirtioBlk::transfer(const Request& request) {
  for (std::uint64_t done = 0; done < request.bytes;) {
    const MutableBytes piece = MutableBytes(buffer_).first(std::min(request.bytes - done, buffer_.size()));
    const std::uint64_t sector = request.sector + done / sector_bytes;
    if (request.kind == kind_in) {
      disk_.read(sector, piece);
      if (!transport().write(chain_, done, piece)) return false;
    } else {
      if (!transport().read(chain_, header_bytes + done, piece)) return false;
      disk_.write(sector, piece);
    }
    done += piece.size();
  }
  // A driver that does not know FLUSH counts on completed writes being durable.
  if (request.kind == kind_out && !transport().negotiated(feature_flush)) disk_.flush();
  return true;
}

}  // namespace lockstitch
