// See e1000_transmit.h.
#include "devices/net/e1000_transmit.h"

#include "devices/net/checksum.h"

namespace lockstitch {
namespace {
using namespace e1000;

constexpr std::uint8_t option_ip_checksum = 1, option_transport_checksum = 2;
constexpr std::uint64_t context_tcp = 1ull << 24, context_ipv4 = 1ull << 25, context_segmented = 1ull << 26;
constexpr std::uint64_t legacy_checksum = 1ull << 26;
constexpr std::uint8_t status_done = 1;
constexpr std::uint8_t tcp_fin = 1, tcp_push = 8;
constexpr std::size_t tag_bytes = 4, tag_offset = 12;

std::uint64_t little(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

// Fields of a header that a guest has described wrongly may lie outside the frame; then nothing happens.
std::uint16_t get16(Bytes frame, std::size_t at) {
  return at + 2 <= frame.size() ? static_cast<std::uint16_t>(frame[at] << 8 | frame[at + 1]) : std::uint16_t{0};
}
void put16(MutableBytes frame, std::size_t at, std::uint64_t value) {
  if (at + 2 > frame.size()) return;
  frame[at] = static_cast<std::uint8_t>(value >> 8);
  frame[at + 1] = static_cast<std::uint8_t>(value);
}
void add32(MutableBytes frame, std::size_t at, std::uint64_t value) {
  if (at + 4 > frame.size()) return;
  const std::uint64_t sum = (std::uint64_t{get16(frame, at)} << 16 | get16(frame, at + 2)) + value;
  put16(frame, at, sum >> 16);
  put16(frame, at + 2, sum);
}

/// The sum of `start` to `end` (inclusive; 0: the end of the frame), which includes what stands at `at`.
void put_checksum(MutableBytes frame, std::size_t at, std::size_t start, std::size_t end, bool never_zero) {
  const std::size_t stop = end == 0 ? frame.size() : std::min(end + 1, frame.size());
  if (start >= stop) return;
  auto sum = static_cast<std::uint16_t>(~fold_words(add_words(frame.subspan(start, stop - start))));
  if (sum == 0 && never_zero) sum = 0xffff;
  put16(frame, at, sum);
}
}  // namespace

void E1000Transmitter::Descriptor::visit(StateVisitor& v, std::string_view name) {
  Section section(v, name);
  v.field("address", address);
  v.field("rest", rest);
}

void E1000Transmitter::stop() {
  run_ns_ = ns_never;
  wire_free_ns_ = {0};
  delay_.cancel();
  contexts_ = {};
  context_ = current_ = {};
  held_ = tagged_ = false;
  used_ = 0;
  kind_ = Kind::none;
  options_ = 0;
  tag_ = segments_ = 0;
  packet_.clear();
  payload_sent_ = 0;
}

void E1000Transmitter::reset() {
  stop();
  sent_ = dropped_ = malformed_ = 0;
}

void E1000Transmitter::visit(StateVisitor& v) {
  v.field("run_ns", run_ns_);
  v.field("wire_free_ns", wire_free_ns_);
  {
    Section section(v, "delay");
    delay_.visit(v);
  }
  contexts_[0].visit(v, "context0");
  contexts_[1].visit(v, "context1");
  current_.visit(v, "current");
  v.field("held", held_);
  v.field("used", used_);
  v.field("kind", kind_);
  context_.visit(v, "context");
  v.field("options", options_);
  v.field("tagged", tagged_);
  v.field("tag", tag_);
  v.blob("packet", packet_, packet_max_bytes);
  v.field("payload_sent", payload_sent_);
  v.field("segments", segments_);
  v.field("sent", sent_);
  v.field("dropped", dropped_);
  v.field("malformed", malformed_);
  if (!v.loading()) return;
  if (kind_ > Kind::bad) return v.fail("e1000: an unknown kind of packet");
  if (held_ && used_ > current_.length()) return v.fail("e1000: more used of a descriptor than it has");
  if (kind_ != Kind::segmented) return;
  const std::size_t full = header_bytes() + segment_bytes();
  if (header_bytes() == 0 || segment_bytes() == 0 || full > packet_max_bytes || packet_.size() > full)
    v.fail("e1000: impossible segments of a packet");
}

bool E1000Transmitter::pending(bool ready) const {
  const unsigned entries = ring_entries(), head = registers_.get(tdh) & 0xffff, tail = registers_.get(tdt) & 0xffff;
  return ready && registers_.any(tctl, tctl_en) && head < entries && tail < entries && head != tail;
}

void E1000Transmitter::kick(VirtualNs now, bool ready) {
  if (run_ns_ == ns_never && pending(ready)) run_ns_ = std::max(now + doorbell_ns, wire_free_ns_);
}

std::uint32_t E1000Transmitter::alarm(VirtualNs now, bool ready, unsigned speed) {
  std::uint32_t causes = 0;
  if (run_ns_ <= now) causes |= run(now, ready, speed);
  if (delay_.expire(now)) causes |= cause_txdw;
  return causes;
}

std::uint32_t E1000Transmitter::flush_delay() {
  if (!delay_.running()) return 0;
  delay_.cancel();
  return cause_txdw;
}

std::uint32_t E1000Transmitter::run(VirtualNs now, bool ready, unsigned speed) {
  run_ns_ = ns_never;
  wire_bytes_ = 0;
  frames_left_ = frames_per_run;
  std::uint32_t causes = 0;
  unsigned descriptors = 0;
  bool stuck = false;
  while (pending(ready) && descriptors < descriptors_per_run) {
    if (!held_ && !fetch()) {
      ++malformed_;
      stuck = true;
      break;
    }
    if (!consume()) break;
    causes |= complete(now);
    ++descriptors;
  }
  const std::uint64_t ns_per_byte = speed == 2 ? 8 : speed == 1 ? 80 : 800;
  wire_free_ns_ = now + descriptor_ns * (descriptors + 1) + ns_per_byte * wire_bytes_;
  if (pending(ready)) {
    // A ring outside RAM waits for the next doorbell.
    if (!stuck) run_ns_ = wire_free_ns_;
  } else if (descriptors != 0) {
    causes |= cause_txqe;
  }
  return causes;
}

Gpa E1000Transmitter::descriptor_address() const {
  return (registers_.get_pair(tdbal) & ~std::uint64_t{15}) + (registers_.get(tdh) & 0xffff) * descriptor_bytes;
}

bool E1000Transmitter::fetch() {
  std::array<std::uint8_t, descriptor_bytes> raw;
  if (!memory_.read(descriptor_address(), raw)) return false;
  current_ = {little(Bytes(raw).first(8)), little(Bytes(raw).last(8))};
  held_ = true;
  used_ = 0;
  return true;
}

bool E1000Transmitter::consume() {
  if (current_.context()) {
    contexts_[current_.rest & context_segmented ? 1 : 0] = current_;
    return true;
  }
  if (current_.extended() && current_.type() != 1) {
    ++malformed_;
    return true;
  }
  if (kind_ == Kind::none) begin_packet();
  const std::uint32_t length = current_.length();
  if (kind_ == Kind::segmented) {
    const std::size_t full = header_bytes() + segment_bytes();
    while (used_ < length && kind_ == Kind::segmented) {
      // A full segment leaves when more follows it, for the last one is different.
      if (packet_.size() == full) {
        if (frames_left_ == 0) return false;
        send(false);
      }
      gather(static_cast<std::uint32_t>(std::min<std::uint64_t>(full - packet_.size(), length - used_)));
    }
  } else if (used_ < length) {
    const std::size_t room = packet_max_bytes - packet_.size();
    const std::uint32_t rest = length - used_;
    if (kind_ != Kind::bad && rest > room) kind_ = Kind::bad;
    if (kind_ != Kind::bad) gather(rest);
  }
  used_ = length;
  if (!current_.end()) return true;
  if (frames_left_ == 0) return false;
  end_packet();
  return true;
}

void E1000Transmitter::begin_packet() {
  const bool segmented = current_.extended() && current_.segmented();
  kind_ = !current_.extended() ? Kind::legacy : segmented ? Kind::segmented : Kind::data;
  context_ = contexts_[segmented ? 1 : 0];
  options_ = current_.extended() ? static_cast<std::uint8_t>(current_.rest >> 40) : std::uint8_t{0};
  tagged_ = current_.tagged();
  tag_ = current_.tag();
  packet_.clear();
  payload_sent_ = 0;
  segments_ = 0;
  if (!segmented) return;
  if (header_bytes() == 0 || segment_bytes() == 0 || header_bytes() + segment_bytes() > packet_max_bytes)
    kind_ = Kind::bad;
}

void E1000Transmitter::gather(std::uint32_t bytes) {
  const std::size_t before = packet_.size();
  packet_.resize(before + bytes);
  if (!memory_.read(current_.address + used_, MutableBytes(packet_).subspan(before))) kind_ = Kind::bad;
  used_ += bytes;
}

void E1000Transmitter::end_packet() {
  if (kind_ == Kind::segmented && packet_.size() < header_bytes()) kind_ = Kind::bad;
  if (kind_ == Kind::bad) {
    ++malformed_;
    ++dropped_;
  } else {
    if (kind_ != Kind::segmented) {
      // The tag stands in the last descriptor of a packet that is not cut.
      tagged_ = current_.tagged();
      tag_ = current_.tag();
    } else {
      registers_.count(tsctc);
    }
    send(true);
  }
  kind_ = Kind::none;
  packet_.clear();
}

std::uint32_t E1000Transmitter::complete(VirtualNs now) {
  std::uint32_t causes = 0;
  if (current_.report()) {
    const std::array<std::uint8_t, 1> status = {static_cast<std::uint8_t>((current_.rest >> 32 & 0xf0) | status_done)};
    if (!memory_.write(descriptor_address() + 12, status)) ++malformed_;
    const std::uint64_t wait = registers_.get(tidv) & 0xffff;
    if (current_.delayed() && wait != 0) {
      delay_.event(now, wait * delay_step_ns, (registers_.get(tadv) & 0xffff) * delay_step_ns);
    } else {
      delay_.cancel();
      causes |= cause_txdw;
    }
  }
  held_ = false;
  used_ = 0;
  const unsigned entries = ring_entries(), head = (registers_.get(tdh) & 0xffff) + 1;
  registers_.set(tdh, head >= entries ? 0 : head);
  const unsigned tail = registers_.get(tdt) & 0xffff, left = (tail + entries - head) % entries;
  const std::uint32_t threshold = (registers_.get(txdctl) >> 25) * 8;
  if (threshold != 0 && left + 1 == threshold) causes |= cause_txd_low;
  return causes;
}

void E1000Transmitter::send(bool last) {
  const MutableBytes frame = MutableBytes(frame_).first(packet_.size());
  std::copy(packet_.begin(), packet_.end(), frame.begin());
  const bool extended = kind_ != Kind::legacy;
  if (kind_ == Kind::segmented) fix_headers(frame, last);
  if (extended) {
    const std::uint64_t place = context_.address;
    // The transport's sum first: neither covers the other's field in packets that make sense.
    if (options_ & option_transport_checksum)
      put_checksum(frame, place >> 40 & 0xff, place >> 32 & 0xff, place >> 48, !(context_.rest & context_tcp));
    if (options_ & option_ip_checksum)
      put_checksum(frame, place >> 8 & 0xff, place & 0xff, place >> 16 & 0xffff, false);
  } else if (current_.rest & legacy_checksum) {
    put_checksum(frame, current_.rest >> 16 & 0xff, current_.rest >> 40 & 0xff, 0, true);
  }
  if (kind_ == Kind::segmented) {
    payload_sent_ += packet_.size() - header_bytes();
    ++segments_;
    packet_.resize(header_bytes());
  }
  --frames_left_;
  transmit(frame);
}

void E1000Transmitter::fix_headers(MutableBytes frame, bool last) const {
  const std::size_t ip = context_.address & 0xff, transport = context_.address >> 32 & 0xff;
  const std::size_t checksum = context_.address >> 40 & 0xff;
  const std::uint64_t transport_bytes = frame.size() - std::min(transport, frame.size());
  if (context_.rest & context_ipv4) {
    put16(frame, ip + 2, frame.size() - std::min(ip, frame.size()));
    put16(frame, ip + 4, std::uint64_t{get16(frame, ip + 4)} + segments_);
  } else {
    put16(frame, ip + 4, frame.size() - std::min(ip + 40, frame.size()));
  }
  if (context_.rest & context_tcp) {
    add32(frame, transport + 4, payload_sent_);
    if (!last && transport + 13 < frame.size())
      frame[transport + 13] &= static_cast<std::uint8_t>(~(tcp_fin | tcp_push));
  } else {
    put16(frame, transport + 4, transport_bytes);
  }
  // The driver left the sum of a pseudo header without a length.
  if (options_ & option_transport_checksum)
    put16(frame, checksum, fold_words(get16(frame, checksum) + transport_bytes));
}

void E1000Transmitter::transmit(MutableBytes frame) {
  std::size_t bytes = frame.size();
  if (bytes >= frame_min_bytes && tagged_ && registers_.any(ctrl, ctrl_vme)) {
    std::copy_backward(frame_.begin() + tag_offset, frame_.begin() + static_cast<std::ptrdiff_t>(bytes),
                       frame_.begin() + static_cast<std::ptrdiff_t>(bytes + tag_bytes));
    const MutableBytes tag = MutableBytes(frame_).subspan(tag_offset, tag_bytes);
    put16(tag, 0, registers_.get(vet));
    put16(tag, 2, tag_);
    bytes += tag_bytes;
  }
  if (bytes < frame_min_bytes || bytes > frame_max_bytes) {
    ++dropped_;
    return;
  }
  if (bytes < frame_padded_bytes && registers_.any(tctl, tctl_psp)) {
    std::fill(frame_.begin() + static_cast<std::ptrdiff_t>(bytes), frame_.begin() + frame_padded_bytes,
              std::uint8_t{0});
    bytes = frame_padded_bytes;
  }
  ++sent_;
  wire_bytes_ += bytes + wire_overhead_bytes;
  registers_.count(gptc);
  registers_.count(tpt);
  registers_.count_octets(gotc, bytes + fcs_bytes);
  registers_.count_octets(tot, bytes + fcs_bytes);
  registers_.count_size(ptc64, bytes + fcs_bytes);
  if (frame_[0] & 1) {
    const bool broadcast = std::all_of(frame_.begin(), frame_.begin() + 6, [](std::uint8_t b) { return b == 0xff; });
    registers_.count(broadcast ? bptc : mptc);
  }
  wire_.emit(Bytes(frame_).first(bytes));
}

}  // namespace lockstitch
