// What is asked of a running guest on its control socket, and the answers; on the core's thread, between two passes.
// Not here: the socket (world/control_socket.h), the commands that ask (screen_commands.h).
//
//   checkpoint                    ok TICK
//   screen                        ok TEXT, or graphics WIDTH HEIGHT
//   screenshot PATH               ok
//   type TEXT                     ok
//   press CHORD                   ok
//   mouse DX DY BUTTONS [WHEEL]   ok
//   point X Y BUTTONS [WHEEL]     ok
//   eject, insert N               ok
//
// TEXT and PATH are written as world::to_line does it. Whatever cannot be done is answered with "error " and a
// sentence.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "lockstitch/screen.h"
#include "vmm/world/inbox.h"

namespace lockstitch::app {

/// Of a board, as far as it has them.
struct GuestParts {
  const Screen* screen = nullptr;
  std::optional<PortId> keyboard{}, mouse{}, tablet{}, cdrom{};
};

class GuestRequests {
 public:
  /// Unit: bytes. What is typed goes to the keyboard in pieces of this size.
  static constexpr std::size_t piece_max_bytes = 1024;

  GuestRequests(const GuestParts& parts, world::Inbox& inbox) : parts_(parts), inbox_(inbox) {}

  /// How a checkpoint is made; nothing: it cannot be. The tick.
  void set_checkpoint(std::function<Result<Tick>()> checkpoint) { checkpoint_ = std::move(checkpoint); }
  /// Why the guest takes no input from here; empty: it does.
  void set_closed(std::string why) { closed_ = std::move(why); }

  std::string answer_to(std::string_view line);

 private:
  Result<std::string> do_what(std::string_view word, std::string_view rest);
  Outcome send(const std::optional<PortId>& port, std::string_view device, const std::vector<std::uint8_t>& payload);
  Outcome move_mouse(std::string_view words);
  Outcome point(std::string_view words);
  Outcome insert(std::string_view number);

  const GuestParts parts_;
  world::Inbox& inbox_;
  std::function<Result<Tick>()> checkpoint_;
  std::string closed_;
};

}  // namespace lockstitch::app
