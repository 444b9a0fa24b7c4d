// The process that reads and writes images of formats other than raw for us: qemu-nbd, of QEMU, over a private UNIX
// socket. The socket is connected before the process starts and its name is gone again before that, so that nobody else
// can connect and nothing is left to be cleaned up, however we end. The process ends when we hang up.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "vmm/world/child_process.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/image_format.h"

namespace lockstitch::world {

/// What is served, and how.
struct NbdImage {
  std::string path;
  ImageFormat format = ImageFormat::qcow2;
  bool read_only = true;
};

class NbdServer {
 public:
  /// Fails: not installed, no room for a socket. Whether it can open the image shows on the socket.
  static Result<NbdServer> start(const NbdImage& image);

  /// Order: once.
  Descriptor take_socket() { return std::move(socket_); }
  /// Of a server that hung up: why, in its words.
  Error why_ended(const NbdImage& image);
  /// Waits until it has written what it still holds. Order: after hanging up.
  void end();
  int pid() const { return process_.pid(); }

 private:
  NbdServer(ChildProcess process, Descriptor socket) : process_(std::move(process)), socket_(std::move(socket)) {}

  ChildProcess process_;
  Descriptor socket_;
};

/// Has QEMU's tools look whether all of the image is there, for qemu-nbd itself shows zeros for what is missing. Fails:
/// damaged, cut off, in use, or as NbdServer::start.
Outcome check_image(const NbdImage& image);

}  // namespace lockstitch::world
