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

  /// `tablet`: what the pointer goes to if there is one; otherwise it is the mouse.
  ViewerInput(Inbox& inbox, std::optional<PortId> keyboard, std::optional<PortId> mouse, std::optional<PortId> tablet)
      : inbox_(inbox), keyboard_(keyboard), mouse_(mouse), tablet_(tablet) {}

  /// Keysyms without a key are ignored, and so are releases of what the viewer does not hold.
  void key(HeldKeys& held, std::uint32_t keysym, bool down);
  /// Of a viewer that has gone.
  void release(HeldKeys& held);
  /// The pointer is now at (x, y) of a screen of width by height; `buttons` as RFC 6143 7.5.5 numbers them. A mouse
  /// knows movements only, so that the guest's pointer and the viewer's part; at an edge of the screen they meet again.
  void pointer(unsigned x, unsigned y, unsigned buttons, unsigned width, unsigned height);
  /// To the inbox, as far as there is room. Order: after a batch of events.
  void flush();
  bool waits() const { return !waiting_.empty(); }

 private:
  void send_key(std::uint16_t code, bool down);
  void send_pointer(int wheel);
  bool moved() const { return tablet_ ? place_new_ : dx_ != 0 || dy_ != 0; }
  void push(PortId port, std::vector<std::uint8_t> payload, std::size_t bound);

  Inbox& inbox_;
  const std::optional<PortId> keyboard_, mouse_, tablet_;
  std::deque<Message> waiting_;
  bool pointer_known_ = false;
  int x_ = 0, y_ = 0, dx_ = 0, dy_ = 0;
  unsigned width_ = 1, height_ = 1;
  bool place_new_ = false;  ///< the tablet was not told yet
  unsigned buttons_ = 0;
};

}  // namespace lockstitch::world
