// See ps2_keyboard.h.
#include "devices/input/ps2_keyboard.h"

namespace lockstitch {
namespace {
enum Command : std::uint8_t {
  set_leds = 0xed,
  echo = 0xee,
  select_set = 0xf0,
  identify = 0xf2,
  set_rate = 0xf3,
  enable = 0xf4,
  disable = 0xf5,
  defaults = 0xf6,
  all_repeat = 0xf7,  // F7h-FAh: every key of set 3; FBh-FDh: those named next
  all_release = 0xf8,
  all_press = 0xf9,
  all_repeat_release = 0xfa,
  key_repeat = 0xfb,
  key_release = 0xfc,
  key_press = 0xfd,
  resend = 0xfe,
  restart = 0xff
};
constexpr std::uint8_t ack = 0xfa, refused = 0xfe, self_test_passed = 0xaa;
constexpr std::uint8_t first_command = set_leds;
constexpr std::uint8_t default_rate = 0x2b;  // 10.9 a second after half a second
constexpr std::uint16_t release_bit = 0x8000;
/// In set 3 these keys send their release unless told otherwise: Caps Lock, both Shifts, left Ctrl, left Alt.
constexpr std::array<std::uint8_t, 5> set3_release_defaults = {0x14, 0x12, 0x59, 0x11, 0x19};
constexpr std::array<std::uint16_t, 6> modifier_keys = {key_left_ctrl,   key_right_ctrl, key_left_shift,
                                                        key_right_shift, key_left_alt,   key_right_alt};
constexpr std::uint8_t ctrl_bits = 0x03, shift_bits = 0x0c, alt_bits = 0x30;

template <class Set>
bool has(const Set& set, std::size_t at) {
  return set[at / 8] >> (at % 8) & 1;
}
template <class Set>
void put(Set& set, std::size_t at, bool value) {
  const auto bit = static_cast<std::uint8_t>(1u << (at % 8));
  if (value) {
    set[at / 8] |= bit;
  } else {
    set[at / 8] &= static_cast<std::uint8_t>(~bit);
  }
}
bool takes_parameter(std::uint8_t command) {
  return command == set_leds || command == select_set || command == set_rate ||
         (command >= key_repeat && command <= key_press);
}
}  // namespace

void Ps2Keyboard::reset() {
  replies_.clear();
  codes_.clear();
  events_.clear();
  next_event_ = {0};
  held_.fill(0);
  overrun_ = false;
  expecting_ = last_sent_ = modifiers_ = 0;
  print_alt_ = print_bare_ = false;
  ignored_ = dropped_ = 0;
  set_defaults();
}

void Ps2Keyboard::set_defaults() {
  scan_set_ = 2;
  scanning_ = true;
  leds_ = 0;
  rate_ = default_rate;
  set3_releases_.fill(0);
  for (std::uint8_t code : set3_release_defaults) put(set3_releases_, code, true);
}

void Ps2Keyboard::visit(StateVisitor& v) {
  replies_.visit(v, "replies");
  codes_.visit(v, "codes");
  v.list("events", events_, event_limit + key_codes, [](StateVisitor& each, std::uint16_t& unit) {
    each.field("unit", unit);
    if (each.loading() && !has_scan_code(unit & ~release_bit)) {
      each.fail("PS/2 keyboard: an event of no key");
      unit = key_left_shift | release_bit;
    }
  });
  v.field("next_event_ns", next_event_);
  v.field("held", held_);
  v.field("overrun", overrun_);
  v.field("scan_set", scan_set_);
  v.field("scanning", scanning_);
  v.field("leds", leds_);
  v.field("rate", rate_);
  v.field("expecting", expecting_);
  v.field("last_sent", last_sent_);
  v.field("set3_releases", set3_releases_);
  v.field("modifiers", modifiers_);
  v.field("print_alt", print_alt_);
  v.field("print_bare", print_bare_);
  v.field("ignored", ignored_);
  v.field("dropped", dropped_);
  if (!v.loading()) return;
  if (scan_set_ < 1 || scan_set_ > 3) v.fail("PS/2 keyboard: impossible scan code set");
  if (expecting_ != 0 && !takes_parameter(expecting_)) v.fail("PS/2 keyboard: impossible command");
}

// From the guest.

void Ps2Keyboard::acknowledge() { replies_.push(ack); }

/// A new command ends the one before it, with what was still to be said about it.
void Ps2Keyboard::write(std::uint8_t byte) {
  if (expecting_ != 0 && byte < first_command) return parameter(byte);
  expecting_ = 0;
  replies_.clear();
  command(byte);
}

void Ps2Keyboard::parameter(std::uint8_t byte) {
  switch (expecting_) {
    case set_leds:
      leds_ = byte & 7;
      break;
    case select_set:
      if (byte > 3) {
        replies_.push(refused);
        expecting_ = 0;
        return;
      }
      if (byte == 0) {
        acknowledge();
        replies_.push(scan_set_);
        expecting_ = 0;
        return;
      }
      scan_set_ = byte;
      codes_.clear();
      break;
    case set_rate:
      rate_ = byte & 0x7f;
      break;
    default:  // a list of keys, up to the next command
      put(set3_releases_, byte, expecting_ == key_release);
      acknowledge();
      return;
  }
  expecting_ = 0;
  acknowledge();
}

void Ps2Keyboard::command(std::uint8_t byte) {
  switch (byte) {
    case echo:
      replies_.push(echo);
      return;
    case identify:
      acknowledge();
      replies_.push(0xab, true);
      replies_.push(0x83);
      return;
    case enable:
      codes_.clear();
      scanning_ = true;
      break;
    case disable:
    case defaults:
      set_defaults();
      codes_.clear();
      if (byte == disable) {
        scanning_ = false;
        forget_events();
      }
      break;
    case all_repeat:
    case all_press:
      set3_releases_.fill(0);
      break;
    case all_release:
    case all_repeat_release:
      set3_releases_.fill(0xff);
      break;
    case resend:
      replies_.push(last_sent_);
      return;
    case restart:
      set_defaults();
      codes_.clear();
      forget_events();
      acknowledge();
      replies_.push(self_test_passed, true);
      return;
    default:
      if (!takes_parameter(byte)) {
        replies_.push(refused);
        return;
      }
      expecting_ = byte;
  }
  acknowledge();
}

// From the keys.

void Ps2Keyboard::arrive(Bytes payload) {
  for (std::size_t i = 0; i + 1 < payload.size(); i += 2)
    enqueue(static_cast<std::uint16_t>(payload[i] | payload[i + 1] << 8));
  ignored_ += payload.size() % 2;
}

void Ps2Keyboard::enqueue(std::uint16_t unit) {
  const std::uint16_t key = unit & ~release_bit;
  const bool released = unit & release_bit;
  if (!has_scan_code(key)) {
    ++ignored_;
    return;
  }
  if (!scanning_) {
    put(held_, key, false);
    note_modifier(unit);
    return;
  }
  if (events_.size() >= event_limit && !(released && has(held_, key) && events_.size() < event_limit + key_codes)) {
    ++dropped_;
    overrun_ = true;
    return;
  }
  put(held_, key, !released);
  events_.push_back(unit);
}

void Ps2Keyboard::note_modifier(std::uint16_t unit) {
  for (std::size_t i = 0; i < modifier_keys.size(); ++i) {
    if (modifier_keys[i] != (unit & ~release_bit)) continue;
    const auto bit = static_cast<std::uint8_t>(1u << i);
    modifiers_ = static_cast<std::uint8_t>(unit & release_bit ? modifiers_ & ~bit : modifiers_ | bit);
  }
}

void Ps2Keyboard::forget_events() {
  for (std::uint16_t unit : events_) note_modifier(unit);
  events_.clear();
  held_.fill(0);
  overrun_ = false;
}

ScanSequence Ps2Keyboard::encode(std::uint16_t unit) {
  const std::uint16_t key = unit & ~release_bit;
  const bool released = unit & release_bit;
  note_modifier(unit);
  if (scan_set_ == 3) return set3_sequence(key, released, has(set3_releases_, scan_code(key).set3));
  Modifiers with{(modifiers_ & ctrl_bits) != 0, (modifiers_ & shift_bits) != 0, (modifiers_ & alt_bits) != 0};
  if (key == key_print) {
    if (!released) {
      print_alt_ = with.alt;
      print_bare_ = with.ctrl || with.shift;
    }
    with = {print_bare_, print_bare_, print_alt_};
  }
  const ScanSequence set2 = set2_sequence(key, released, with);
  return scan_set_ == 1 ? set1_sequence(set2) : set2;
}

// To the controller.

void Ps2Keyboard::feed(VirtualNs now) {
  while (codes_.empty() && now >= next_event_ && !events_.empty()) {
    const ScanSequence sequence = encode(events_.front());
    events_.pop_front();
    for (std::uint8_t i = 0; i < sequence.size; ++i) codes_.push(sequence.bytes[i]);
    if (sequence.size != 0) next_event_ = now + event_ns;
  }
  if (codes_.empty() && events_.empty() && overrun_) {
    codes_.push(scan_set_ == 1 ? 0xff : 0x00);
    overrun_ = false;
  }
}

VirtualNs Ps2Keyboard::not_before() const {
  if (ready() || (overrun_ && events_.empty())) return {0};
  return events_.empty() ? ns_never : next_event_;
}

Ps2Byte Ps2Keyboard::take() {
  Ps2Byte byte;
  byte.scan = replies_.empty();
  byte.value = byte.scan ? codes_.take() : replies_.take();
  last_sent_ = byte.value;
  return byte;
}

}  // namespace lockstitch
