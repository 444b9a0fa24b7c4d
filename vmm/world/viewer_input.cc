// See viewer_input.h.
#include "vmm/world/viewer_input.h"

#include <algorithm>

#include "vmm/world/keys/keysym.h"
#include "vmm/world/mouse_payload.h"

namespace lockstitch::world {

namespace {

constexpr std::uint16_t released = 0x8000;
/// Of the protocol.
constexpr unsigned left = 1, middle = 2, right = 4, wheel_up = 8, wheel_down = 16;

unsigned guest_buttons(unsigned buttons) {
  return ((buttons & left) != 0 ? 1u : 0u) | ((buttons & right) != 0 ? 2u : 0u) | ((buttons & middle) != 0 ? 4u : 0u);
}

/// Unit: pixels. A move that reaches an edge goes on for as long as the screen is.
int move_to(int to, int from, unsigned size) {
  int moved = to - from;
  if (to == 0 && moved < 0) moved -= static_cast<int>(size);
  if (to + 1 == static_cast<int>(size) && moved > 0) moved += static_cast<int>(size);
  return moved;
}

/// Unit: of TabletEvent.
unsigned part(int place, unsigned size) {
  return size < 2 ? 0 : static_cast<unsigned>(place) * TabletEvent::place_max / (size - 1);
}

}  // namespace

void ViewerInput::key(HeldKeys& held, std::uint32_t keysym, bool down) {
  if (!keyboard_) return;
  const auto code = key_by_keysym(keysym);
  if (!code) return;
  if (down) {
    held.insert(*code);
  } else if (held.erase(*code) == 0) {
    return;
  }
  send_key(*code, down);
}

void ViewerInput::release(HeldKeys& held) {
  for (const std::uint16_t code : held) send_key(code, false);
  held.clear();
}

void ViewerInput::send_key(std::uint16_t code, bool down) {
  const auto unit = static_cast<std::uint16_t>(code | (down ? 0 : released));
  push(*keyboard_, {static_cast<std::uint8_t>(unit), static_cast<std::uint8_t>(unit >> 8)},
       down ? max_waiting / 2 : max_waiting);
}

void ViewerInput::pointer(unsigned x, unsigned y, unsigned buttons, unsigned width, unsigned height) {
  if (!mouse_ && !tablet_) return;
  const auto to_x = static_cast<int>(std::min(x, width - 1)), to_y = static_cast<int>(std::min(y, height - 1));
  if (pointer_known_) {
    dx_ += move_to(to_x, x_, width);
    dy_ += move_to(to_y, y_, height);
  }
  place_new_ = place_new_ || !pointer_known_ || to_x != x_ || to_y != y_ || width != width_ || height != height_;
  pointer_known_ = true;
  x_ = to_x;
  y_ = to_y;
  width_ = width;
  height_ = height;
  if (buttons == buttons_) return;
  // Until now the buttons of before were held.
  const unsigned pressed = buttons & ~buttons_;
  const bool clicked = guest_buttons(buttons) != guest_buttons(buttons_);
  if (moved()) send_pointer(0);
  buttons_ = buttons;
  const int wheel = (pressed & wheel_down) != 0 ? 1 : (pressed & wheel_up) != 0 ? -1 : 0;
  if (clicked || wheel != 0) send_pointer(wheel);
}

void ViewerInput::send_pointer(int wheel) {
  const unsigned held = guest_buttons(buttons_);
  const std::size_t bound = wheel == 0 && held == 0 ? max_waiting / 2 : max_waiting;
  if (tablet_) {
    push(*tablet_, tablet_payload({part(x_, width_), part(y_, height_), wheel, held}), bound);
  } else {
    push(*mouse_, mouse_payload({dx_, dy_, wheel, held}), bound);
  }
  dx_ = dy_ = 0;
  place_new_ = false;
}

void ViewerInput::push(PortId port, std::vector<std::uint8_t> payload, std::size_t bound) {
  if (waiting_.size() < bound) waiting_.push_back({port, {}, std::move(payload)});
}

void ViewerInput::flush() {
  if (moved()) send_pointer(0);
  while (!waiting_.empty() && inbox_.try_push(std::move(waiting_.front()))) waiting_.pop_front();
}

}  // namespace lockstitch::world
