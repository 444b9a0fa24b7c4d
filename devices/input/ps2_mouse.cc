// See ps2_mouse.h.
#include "devices/input/ps2_mouse.h"

#include <algorithm>

namespace lockstitch {
namespace {
enum Command : std::uint8_t {
  scale_1_1 = 0xe6,
  scale_2_1 = 0xe7,
  set_resolution = 0xe8,
  status = 0xe9,
  stream_mode = 0xea,
  read_data = 0xeb,
  end_wrap = 0xec,
  wrap_mode = 0xee,
  remote_mode = 0xf0,
  identify = 0xf2,
  set_rate = 0xf3,
  enable = 0xf4,
  disable = 0xf5,
  defaults = 0xf6,
  resend = 0xfe,
  restart = 0xff
};
constexpr std::uint8_t ack = 0xfa, refused = 0xfe, self_test_passed = 0xaa;
constexpr std::uint8_t first_command = scale_1_1;
constexpr std::uint8_t default_resolution = 2, default_rate = 100;
constexpr std::uint8_t id_plain = 0, id_wheel = 3, id_five_buttons = 4;
constexpr std::uint8_t three_buttons = 0x07, five_buttons = 0x1f;
constexpr std::uint64_t ns_per_second = 1'000'000'000;
constexpr std::int32_t packet_most = 255;         // 8 bits and a sign
constexpr std::int32_t packet_most_scaled = 127;  // doubled on the way out
constexpr std::int32_t wheel_most = 127, wheel_most_five_buttons = 7;
constexpr std::int32_t wheel_limit = 1024;

/// 2:1 scaling leaves small movements alone.
std::int32_t scaled_2_1(std::int32_t counts) {
  static constexpr std::array<std::int32_t, 6> small = {0, 1, 1, 3, 6, 9};
  const std::int32_t size = counts < 0 ? -counts : counts;
  const std::int32_t out = size < 6 ? small[static_cast<std::size_t>(size)] : 2 * size;
  return counts < 0 ? -out : out;
}
}  // namespace

void Ps2Mouse::reset() {
  replies_.clear();
  packet_.clear();
  sent_ = {};
  forget_movement();
  overflow_x_ = overflow_y_ = false;
  next_packet_ = {0};
  id_ = id_plain;
  last_rates_.fill(0);
  expecting_ = last_sent_ = buttons_ = 0;
  ignored_ = dropped_ = 0;
  set_defaults();
}

void Ps2Mouse::set_defaults() {
  reporting_ = remote_ = wrap_ = scaling_ = false;
  resolution_ = default_resolution;
  rate_ = default_rate;
}

void Ps2Mouse::visit(StateVisitor& v, Sample& s) {
  v.field("dx", s.dx);
  v.field("dy", s.dy);
  v.field("wheel", s.wheel);
  v.field("buttons", s.buttons);
  v.field("click", s.click);
  if (!v.loading()) return;
  const auto within = [](std::int32_t value, std::int32_t limit) { return value >= -limit && value <= limit; };
  if (within(s.dx, movement_limit) && within(s.dy, movement_limit) && within(s.wheel, wheel_limit) &&
      s.buttons <= five_buttons)
    return;
  v.fail("PS/2 mouse: impossible movement");
  s = {};
}

void Ps2Mouse::visit(StateVisitor& v) {
  replies_.visit(v, "replies");
  packet_.visit(v, "packet");
  v.enter("sent");
  visit(v, sent_);
  v.leave();
  v.list("samples", samples_, sample_limit + 1, [this](StateVisitor& each, Sample& sample) { visit(each, sample); });
  v.field("overflow_x", overflow_x_);
  v.field("overflow_y", overflow_y_);
  v.field("next_packet_ns", next_packet_);
  v.field("reporting", reporting_);
  v.field("remote", remote_);
  v.field("wrap", wrap_);
  v.field("scaling", scaling_);
  v.field("resolution", resolution_);
  v.field("rate", rate_);
  v.field("id", id_);
  v.field("last_rates", last_rates_);
  v.field("expecting", expecting_);
  v.field("last_sent", last_sent_);
  v.field("buttons", buttons_);
  v.field("ignored", ignored_);
  v.field("dropped", dropped_);
  if (!v.loading()) return;
  if (id_ != id_plain && id_ != id_wheel && id_ != id_five_buttons) v.fail("PS/2 mouse: impossible id");
  if (expecting_ != 0 && expecting_ != set_resolution && expecting_ != set_rate)
    v.fail("PS/2 mouse: impossible command");
}

// From the guest.

void Ps2Mouse::acknowledge() { replies_.push(ack); }

/// A new command ends the one before it, with what was still to be said about it, and the packet that is on its way:
/// its movement waits for the next one.
void Ps2Mouse::write(std::uint8_t byte) {
  if (wrap_ && byte != restart && byte != end_wrap) {
    replies_.push(byte);
    return;
  }
  if (expecting_ != 0 && byte < first_command) return parameter(byte);
  expecting_ = 0;
  replies_.clear();
  if (!packet_.empty()) {
    packet_.clear();
    samples_.push_front(sent_);
  }
  command(byte);
}

void Ps2Mouse::parameter(std::uint8_t byte) {
  if (expecting_ == set_resolution) {
    resolution_ = byte & 3;
  } else {
    rate_ = byte;
    knock(byte);
  }
  expecting_ = 0;
  acknowledge();
}

void Ps2Mouse::knock(std::uint8_t rate) {
  if (last_rates_[0] == 200 && rate == 80) {
    if (last_rates_[1] == 100) id_ = id_wheel;
    if (last_rates_[1] == 200) id_ = id_five_buttons;
  }
  last_rates_ = {last_rates_[1], rate};
}

void Ps2Mouse::command(std::uint8_t byte) {
  switch (byte) {
    case scale_1_1:
    case scale_2_1:
      scaling_ = byte == scale_2_1;
      break;
    case set_resolution:
    case set_rate:
      expecting_ = byte;
      break;
    case status: {
      acknowledge();
      const unsigned held = (buttons_ & 1u) << 2 | (buttons_ & 4u) >> 1 | (buttons_ & 2u) >> 1;
      replies_.push(
          static_cast<std::uint8_t>(held | (scaling_ ? 0x10 : 0) | (reporting_ ? 0x20 : 0) | (remote_ ? 0x40 : 0)));
      replies_.push(resolution_);
      replies_.push(rate_);
      return;
    }
    case stream_mode:
    case remote_mode:
      remote_ = byte == remote_mode;
      forget_movement();
      break;
    case read_data:
      acknowledge();
      push_packet(replies_, next_chunk(packet_most), false);
      return;
    case end_wrap:
      wrap_ = false;
      break;
    case wrap_mode:
      wrap_ = true;
      break;
    case identify:
      acknowledge();
      replies_.push(id_, true);
      return;
    case enable:
    case disable:
      reporting_ = byte == enable;
      forget_movement();
      break;
    case defaults:
      set_defaults();
      forget_movement();
      break;
    case resend:
      replies_.push(last_sent_);
      return;
    case restart:
      set_defaults();
      forget_movement();
      id_ = id_plain;
      last_rates_.fill(0);
      acknowledge();
      replies_.push(self_test_passed, true);
      replies_.push(id_);
      return;
    default:
      replies_.push(refused);
      return;
  }
  acknowledge();
}

// From the hand.

void Ps2Mouse::arrive(Bytes payload) {
  std::size_t i = 0;
  for (; i + report_bytes <= payload.size(); i += report_bytes) {
    const auto word = [&](std::size_t at) {
      return static_cast<std::int16_t>(static_cast<std::uint16_t>(payload[i + at] | payload[i + at + 1] << 8));
    };
    add(word(0), word(2), static_cast<std::int8_t>(payload[i + 4]), payload[i + 5]);
  }
  ignored_ += payload.size() - i;
}

void Ps2Mouse::add(std::int32_t dx, std::int32_t dy, std::int32_t wheel, std::uint8_t buttons) {
  buttons &= id_ == id_five_buttons ? five_buttons : three_buttons;
  if (id_ == id_plain) wheel = 0;
  const bool click = buttons != buttons_;
  buttons_ = buttons;
  if (!click && dx == 0 && dy == 0 && wheel == 0) return;
  // Without reports only the latest state counts: what a guest that asks would be told.
  const bool merge = !samples_.empty() && (!(reporting_ || remote_) || (!click && !samples_.back().click));
  if (!merge && samples_.size() < sample_limit) {
    samples_.push_back({});
    samples_.back().click = click;
  } else if (!merge && click) {
    ++dropped_;
  }
  Sample& last = samples_.back();
  last.buttons = buttons;
  const auto accumulate = [](std::int32_t& sum, std::int32_t by, std::int32_t limit) {
    const std::int32_t exact = sum + by;
    sum = std::clamp(exact, -limit, limit);
    return exact != sum;
  };
  overflow_x_ |= accumulate(last.dx, dx, movement_limit);
  overflow_y_ |= accumulate(last.dy, dy, movement_limit);
  accumulate(last.wheel, wheel, wheel_limit);
}

// To the controller.

Ps2Mouse::Sample Ps2Mouse::next_chunk(std::int32_t most) {
  if (samples_.empty()) {
    Sample still;
    still.buttons = buttons_;
    return still;
  }
  Sample& first = samples_.front();
  if (id_ == id_plain) first.wheel = 0;
  const std::int32_t most_wheel = id_ == id_five_buttons ? wheel_most_five_buttons : wheel_most;
  Sample chunk = first;
  chunk.dx = std::clamp(first.dx, -most, most);
  chunk.dy = std::clamp(first.dy, -most, most);
  chunk.wheel = std::clamp(first.wheel, -most_wheel, most_wheel);
  first.dx -= chunk.dx;
  first.dy -= chunk.dy;
  first.wheel -= chunk.wheel;
  first.click = false;
  if (first.dx == 0 && first.dy == 0 && first.wheel == 0) samples_.pop_front();
  return chunk;
}

void Ps2Mouse::push_packet(ByteQueue& queue, const Sample& chunk, bool scaled) {
  const std::int32_t x = scaled ? scaled_2_1(chunk.dx) : chunk.dx;
  const std::int32_t y = -(scaled ? scaled_2_1(chunk.dy) : chunk.dy);  // a PS/2 mouse counts upwards
  queue.push(static_cast<std::uint8_t>((chunk.buttons & three_buttons) | 0x08 | (x < 0 ? 0x10 : 0) |
                                       (y < 0 ? 0x20 : 0) | (overflow_x_ ? 0x40 : 0) | (overflow_y_ ? 0x80 : 0)));
  queue.push(static_cast<std::uint8_t>(x));
  queue.push(static_cast<std::uint8_t>(y));
  if (id_ == id_wheel) queue.push(static_cast<std::uint8_t>(chunk.wheel));
  if (id_ == id_five_buttons)
    queue.push(static_cast<std::uint8_t>((chunk.wheel & 0x0f) | (chunk.buttons & (five_buttons - three_buttons)) << 1));
  overflow_x_ = overflow_y_ = false;
}

void Ps2Mouse::feed(VirtualNs now) {
  if (!packet_.empty() || samples_.empty() || !streams() || now < next_packet_) return;
  sent_ = next_chunk(scaling_ ? packet_most_scaled : packet_most);
  push_packet(packet_, sent_, scaling_);
  next_packet_ = now + ns_per_second / std::clamp<std::uint64_t>(rate_, 10, 200);
}

VirtualNs Ps2Mouse::not_before() const {
  if (ready()) return {0};
  return samples_.empty() || !streams() ? ns_never : next_packet_;
}

std::uint8_t Ps2Mouse::take() {
  last_sent_ = replies_.empty() ? packet_.take() : replies_.take();
  return last_sent_;
}

}  // namespace lockstitch
