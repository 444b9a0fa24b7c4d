// A VNC server for one guest: its screen goes to any viewer that connects, keys and mouse come back as arrivals. It has
// a thread of its own, for encoding a picture takes longer than the world's loop may wait. Not here: what a screen
// shows (lockstitch/screen.h), when the core may be asked (display.h).
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "lockstitch/result.h"
#include "vmm/world/display.h"
#include "vmm/world/inbox.h"
#include "vmm/world/vnc_place.h"

namespace lockstitch::world {

struct VncOptions {
  VncPlace place;        ///< port 0: one that is free
  std::string password;  ///< empty: none is asked for. The protocol looks at the first 8 bytes only
  std::string name = "Lockstitch";
  std::optional<PortId> keyboard, mouse, tablet;  ///< nothing: what a viewer sends is ignored
};

class VncServer {
 public:
  /// More viewers are turned away.
  static constexpr std::size_t max_viewers = 8;
  /// Unit: ms. How often the core is asked for a picture at most.
  static constexpr int frame_ms = 40;

  /// Listens and starts the thread. Fails: the place is taken, or is none of this host.
  static Result<std::unique_ptr<VncServer>> open(const VncOptions& options, Display& display, Inbox& inbox);
  /// Viewers are disconnected at once.
  ~VncServer();

  std::uint16_t port() const;

 private:
  class Work;

  explicit VncServer(std::unique_ptr<Work> work);

  std::unique_ptr<Work> work_;
};

/// The first line of a file. Fails: no such file, an empty line.
Result<std::string> read_vnc_password(const std::string& path);

}  // namespace lockstitch::world
