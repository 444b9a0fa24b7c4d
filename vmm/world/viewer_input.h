// What a viewer does with its keys and its mouse, as payloads of the guest's keyboard and mouse. Not here: how viewers
// say it (vnc_server.h), what a key is called (keys/).
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "vmm/world/inbox.h"

namespace lockstitch::world {

/// Keys that one viewer holds down.
using HeldKeys = std::set<std::uint16_t>;

/// Messages wait here while the inbox has no room; past a bound new ones are lost.
class ViewerInput {
 public:
  /// Unit: messages. A release is lost only when this many wait, a movement at half of it.
  static constexpr std::size_t max_waiting = 1024;

  ViewerInput(Inbox& inbox, std::optional<PortId> keyboard, std::optional<PortId> mouse)
      : inbox_(inbox), keyboard_(keyboard), mouse_(mouse) {}

  /// Keysyms without a key are ignored, and so are releases of what the viewer does not hold.
  void key(HeldKeys& held, std::uint32_t keysym, bool down);
  /// Of a viewer that has gone.
  void release(HeldKeys& held);
  /// The pointer is now at (x, y) of a screen of width by height; `buttons` as RFC 6143 7.5.5 numbers them. The guest's
  /// mouse knows movements only, so that its pointer and the viewer's part; at an edge of the screen they meet again.
  void pointer(unsigned x, unsigned y, unsigned buttons, unsigned width, unsigned height);
  /// To the inbox, as far as there is room. Order: after a batch of events.
  void flush();
  bool waits() const { return !waiting_.empty(); }

 private:
  void send_key(std::uint16_t code, bool down);
  void send_mouse(int wheel);
  void push(PortId port, std::vector<std::uint8_t> payload, std::size_t bound);

  Inbox& inbox_;
  const std::optional<PortId> keyboard_, mouse_;
  std::deque<Message> waiting_;
  bool pointer_known_ = false;
  int x_ = 0, y_ = 0, dx_ = 0, dy_ = 0;
  unsigned buttons_ = 0;
};

}  // namespace lockstitch::world
