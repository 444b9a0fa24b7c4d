// See e1000_receive.h.
#include "devices/net/e1000_receive.h"

#include "devices/net/checksum.h"

namespace lockstitch {
namespace {
using namespace e1000;

// Status and errors of a descriptor, as one 16-bit value.
constexpr std::uint16_t done = 1, end_of_packet = 2, ignore_checksum = 4, had_tag = 8, transport_checked = 0x20,
                        ip_checked = 0x40, filter_inexact = 0x80, transport_wrong = 0x2000, ip_wrong = 0x4000;
constexpr std::size_t type_offset = 12, tag_bytes = 4;
constexpr std::uint8_t protocol_tcp = 6, protocol_udp = 17;

std::uint16_t get16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
bool multicast(Bytes frame) { return frame[0] & 1; }
bool broadcast(Bytes frame) {
  return std::all_of(frame.begin(), frame.begin() + 6, [](std::uint8_t b) { return b == 0xff; });
}

/// `addresses`: of the pseudo header, both.
std::uint16_t transport_report(Bytes addresses, std::uint8_t protocol, Bytes segment) {
  if (protocol == protocol_udp ? segment.size() < 8 : protocol != protocol_tcp || segment.size() < 20) return 0;
  if (protocol == protocol_udp && get16(segment, 6) == 0) return 0;
  const std::uint64_t sum = add_words(segment, add_words(addresses, segment.size() + protocol));
  return fold_words(sum) == 0xffff ? transport_checked : transport_checked | transport_wrong;
}

std::uint16_t ipv4_report(Bytes packet, std::uint32_t wanted) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) return 0;
  const std::size_t header = (packet[0] & 15u) * 4u, total = get16(packet, 2);
  if (header < 20 || total < header || total > packet.size()) return 0;
  std::uint16_t report = 0;
  if (wanted & rxcsum_ipofl)
    report |= fold_words(add_words(packet.first(header))) == 0xffff ? ip_checked : ip_checked | ip_wrong;
  const bool fragment = (get16(packet, 6) & 0x3fff) != 0;
  if ((wanted & rxcsum_tuofl) && !fragment)
    report |= transport_report(packet.subspan(12, 8), packet[9], packet.subspan(header, total - header));
  return report;
}

std::uint16_t ipv6_report(Bytes packet, std::uint32_t wanted) {
  constexpr std::size_t header = 40;
  constexpr std::uint32_t both = rxcsum_tuofl | rxcsum_ipv6ofl;
  if ((wanted & both) != both || packet.size() < header || packet[0] >> 4 != 6) return 0;
  const std::size_t payload = get16(packet, 4);
  if (header + payload > packet.size()) return 0;
  return transport_report(packet.subspan(8, 32), packet[6], packet.subspan(header, payload));
}

/// What the card has to say about the checksums of a frame.
std::uint16_t checksum_report(Bytes frame, std::uint32_t wanted, std::uint16_t tag_type) {
  std::size_t at = type_offset;
  if (get16(frame, at) == tag_type && frame.size() >= at + tag_bytes + 2) at += tag_bytes;
  const std::uint16_t type = get16(frame, at);
  const Bytes packet = frame.subspan(at + 2);
  std::uint16_t report = 0;
  if (type == 0x0800) report = ipv4_report(packet, wanted);
  if (type == 0x86dd) report = ipv6_report(packet, wanted);
  return report != 0 ? report : ignore_checksum;
}
}  // namespace

void E1000Receiver::stop() {
  dropped_ += waiting_.size();
  waiting_.clear();
  delay_.cancel();
}

void E1000Receiver::reset() {
  stop();
  received_ = dropped_ = filtered_ = 0;
}

void E1000Receiver::visit(StateVisitor& v) {
  v.list("waiting", waiting_, waiting_max_frames, [](StateVisitor& each, std::vector<std::uint8_t>& frame) {
    each.blob("frame", frame, frame_max_bytes);
    if (each.loading() && frame.size() < frame_min_bytes) each.fail("e1000: a frame shorter than its header");
  });
  {
    Section section(v, "delay");
    delay_.visit(v);
  }
  v.field("received", received_);
  v.field("dropped", dropped_);
  v.field("filtered", filtered_);
}

std::uint32_t E1000Receiver::flush_delay() {
  if (!delay_.running()) return 0;
  delay_.cancel();
  return cause_rxt0;
}

unsigned E1000Receiver::available() const {
  const unsigned entries = ring_entries(), head = registers_.get(rdh) & 0xffff, tail = registers_.get(rdt) & 0xffff;
  if (head >= entries) return 0;
  // A tail that the head never meets: the ring is always full.
  if (tail >= entries) return entries;
  return (tail + entries - head) % entries;
}

std::size_t E1000Receiver::buffer_bytes() const {
  const std::uint32_t control = registers_.get(rctl), size = control >> 16 & 3;
  return (control & rctl_bsex) && size != 0 ? std::size_t{32768} >> size : std::size_t{2048} >> size;
}

bool E1000Receiver::accepts(Bytes frame) const {
  const std::uint32_t control = registers_.get(rctl);
  if ((control & rctl_vfe) && frame.size() >= type_offset + tag_bytes &&
      get16(frame, type_offset) == (registers_.get(vet) & 0xffff)) {
    const unsigned tag = get16(frame, type_offset + 2), id = tag & 0xfff;
    if (!registers_.any(vfta + 4 * (id / 32), 1u << id % 32)) return false;
    if ((control & rctl_cfien) && ((control & rctl_cfi) != 0) != ((tag & 0x1000) != 0)) return false;
  }
  if (broadcast(frame) && (control & rctl_bam)) return true;
  if (control & (multicast(frame) ? rctl_mpe : rctl_upe)) return true;
  return accepts_address(frame.first(6));
}

bool E1000Receiver::accepts_address(Bytes address) const {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 6; ++i) number |= std::uint64_t{address[i]} << (8 * i);
  for (std::uint32_t at = ra; at < ra_end; at += 8)
    if (registers_.any(at + 4, address_valid) && (registers_.get_pair(at) & 0xffff'ffff'ffff) == number) return true;
  if (!(address[0] & 1)) return false;
  constexpr std::array<unsigned, 4> shifts = {4, 3, 2, 0};
  const unsigned bit =
      (static_cast<unsigned>(address[5] << 8 | address[4]) >> shifts[registers_.get(rctl) >> 12 & 3]) & 0xfff;
  return registers_.any(mta + 4 * (bit / 32), 1u << bit % 32);
}

std::uint32_t E1000Receiver::arrive(Bytes frame, VirtualNs now, bool ready) {
  if (frame.size() < frame_min_bytes || frame.size() > frame_max_bytes || !ready || !registers_.any(rctl, rctl_en)) {
    ++dropped_;
    return 0;
  }
  if (!accepts(frame)) {
    ++filtered_;
    return 0;
  }
  std::uint32_t causes = 0;
  if (waiting_.empty()) {
    switch (deliver(frame, now, causes)) {
      case Delivery::done:
        return causes;
      case Delivery::dropped:
        ++dropped_;
        return causes;
      case Delivery::no_buffer:
        break;
    }
  }
  registers_.count(rnbc);
  if (waiting_.size() == waiting_max_frames) {
    registers_.count(mpc);
    ++dropped_;
  } else {
    waiting_.emplace_back(frame.begin(), frame.end());
  }
  return causes | cause_rxo;
}

std::uint32_t E1000Receiver::refill(VirtualNs now, bool ready) {
  std::uint32_t causes = 0;
  while (ready && !waiting_.empty()) {
    const Delivery delivery = deliver(waiting_.front(), now, causes);
    if (delivery == Delivery::no_buffer) break;
    if (delivery == Delivery::dropped) ++dropped_;
    waiting_.pop_front();
  }
  return causes;
}

E1000Receiver::Delivery E1000Receiver::deliver(Bytes frame, VirtualNs now, std::uint32_t& causes) {
  if (available() == 0) return Delivery::no_buffer;
  const auto tag_type = static_cast<std::uint16_t>(registers_.get(vet));
  const std::uint32_t control = registers_.get(rctl);
  std::uint16_t report = checksum_report(frame, registers_.get(rxcsum), tag_type);
  if (multicast(frame) && !broadcast(frame) && !(control & rctl_mpe)) report |= filter_inexact;
  std::uint16_t tag = 0;

  std::copy(frame.begin(), frame.end(), buffer_.begin());
  std::size_t bytes = frame.size();
  if (bytes < frame_padded_bytes) {
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(bytes), buffer_.begin() + frame_padded_bytes,
              std::uint8_t{0});
    bytes = frame_padded_bytes;
  }
  const std::size_t wire_bytes = bytes + fcs_bytes;
  const std::uint32_t fcs = frame_check_sequence(Bytes(buffer_).first(bytes));
  if (registers_.any(ctrl, ctrl_vme) && get16(buffer_, type_offset) == tag_type) {
    tag = get16(buffer_, type_offset + 2);
    std::copy(buffer_.begin() + type_offset + tag_bytes, buffer_.begin() + static_cast<std::ptrdiff_t>(bytes),
              buffer_.begin() + type_offset);
    bytes -= tag_bytes;
    report |= had_tag;
  }
  // The sum of the packet from RXCSUM.PCSS on, for a driver that checks what the card does not know.
  const std::size_t sum_start = registers_.get(rxcsum) & 0xff;
  const std::uint16_t sum =
      sum_start < bytes ? fold_words(add_words(Bytes(buffer_).first(bytes).subspan(sum_start))) : 0;
  if (!(control & rctl_secrc))
    for (unsigned i = 0; i < fcs_bytes; ++i) buffer_[bytes++] = static_cast<std::uint8_t>(fcs >> (8 * i));

  const std::size_t room = buffer_bytes();
  const unsigned before = available();
  if (before * room < bytes) return Delivery::no_buffer;
  const Gpa ring = registers_.get_pair(rdbal) & ~std::uint64_t{15};
  std::size_t placed = 0;
  unsigned descriptors = 0;
  while (placed < bytes) {
    if (descriptors == std::min(before, descriptors_per_frame)) return Delivery::dropped;
    const unsigned head = registers_.get(rdh) & 0xffff;
    const Gpa at = ring + head * descriptor_bytes;
    std::array<std::uint8_t, descriptor_bytes> raw;
    if (!memory_.read(at, raw)) return Delivery::dropped;
    std::uint64_t address = 0;
    for (unsigned i = 0; i < 8; ++i) address |= std::uint64_t{raw[i]} << (8 * i);
    // A descriptor without a buffer is passed over.
    const std::size_t part = address == 0 ? 0 : std::min(room, bytes - placed);
    const bool written = memory_.write(address, Bytes(buffer_).subspan(placed, part));
    placed += part;
    const bool last = placed == bytes;
    const auto status = static_cast<std::uint16_t>(done | (last ? end_of_packet | report : 0));
    std::fill(raw.begin() + 8, raw.end(), std::uint8_t{0});
    raw[8] = static_cast<std::uint8_t>(part);
    raw[9] = static_cast<std::uint8_t>(part >> 8);
    if (last) {
      raw[10] = static_cast<std::uint8_t>(sum >> 8);
      raw[11] = static_cast<std::uint8_t>(sum);
      raw[14] = static_cast<std::uint8_t>(tag);
      raw[15] = static_cast<std::uint8_t>(tag >> 8);
    }
    raw[12] = static_cast<std::uint8_t>(status);
    raw[13] = static_cast<std::uint8_t>(status >> 8);
    if (!memory_.write(at + 8, Bytes(raw).last(8))) return Delivery::dropped;
    registers_.set(rdh, head + 1 >= ring_entries() ? 0 : head + 1);
    ++descriptors;
    if (!written) return Delivery::dropped;
  }

  count(frame, wire_bytes);
  const unsigned threshold = ring_entries() >> (1 + std::min(control >> 8 & 3, 2u)), after = available();
  if (before > threshold && after <= threshold) causes |= cause_rxdmt0;
  if (const std::uint32_t small = registers_.get(rsrpd) & 0xfff; wire_bytes <= small) causes |= cause_srpd;
  if (const std::uint64_t wait = registers_.get(rdtr) & 0xffff; wait != 0) {
    delay_.event(now, wait * delay_step_ns, (registers_.get(radv) & 0xffff) * delay_step_ns);
  } else {
    causes |= cause_rxt0;
  }
  return Delivery::done;
}

void E1000Receiver::count(Bytes frame, std::size_t bytes) {
  ++received_;
  registers_.count(gprc);
  registers_.count(tpr);
  registers_.count_octets(gorc, bytes);
  registers_.count_octets(tor, bytes);
  registers_.count_size(prc64, bytes);
  if (broadcast(frame)) {
    registers_.count(bprc);
  } else if (multicast(frame)) {
    registers_.count(mprc);
  }
}

}  // namespace lockstitch
