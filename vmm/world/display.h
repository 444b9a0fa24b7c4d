// Where the core, which alone may look at a screen, and viewers, which live on other threads, meet. A viewer asks; the
// core answers between two passes. While nobody asks it costs the core one atomic load. Not here: how a picture gets to
// a person (vnc_server.h, png_file.h), how often one is asked for: that is the viewer's business.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>

#include "lockstitch/screen.h"
#include "vmm/world/inbox.h"

namespace lockstitch::world {

class Display {
 public:
  /// `inbox`: whose waiting core is woken when somebody asks.
  explicit Display(Inbox& inbox) : inbox_(inbox) {}

  // The core's side.
  bool wanted() const { return wanted_.load(std::memory_order_acquire); }
  /// What everybody who has asked gets.
  void show(const Screen& screen);

  // The viewers' side: any thread, any number of them.
  /// Asks for a picture of a later moment than now.
  void want();
  /// A newer picture than that with the number `seen`, which is then its number. False: there is none, and neither is
  /// changed. The first picture has number 1.
  bool take(Picture& picture, std::uint64_t& seen) const;

 private:
  Inbox& inbox_;
  std::atomic<bool> wanted_{false};
  Picture drawn_;  ///< of the core
  mutable std::mutex mutex_;
  Picture newest_;
  std::uint64_t number_ = 0;
};

}  // namespace lockstitch::world
