// One qemu-nbd and the line to it, through libnbd. Every request waits for its answer. A request that the server
// refuses leaves the line as it was; a line that broke stays broken, and its owner makes a new connection.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "vmm/world/nbd_server.h"

struct nbd_handle;

namespace lockstitch::world {

class NbdConnection {
 public:
  /// Starts the server. Fails: not installed, the image cannot be opened, in qemu-nbd's words.
  static Result<std::unique_ptr<NbdConnection>> open(const NbdImage& image);
  /// Waits until the server has written what it holds.
  ~NbdConnection();
  NbdConnection(const NbdConnection&) = delete;
  NbdConnection& operator=(const NbdConnection&) = delete;

  /// Of the disk in the image.
  std::uint64_t bytes() const { return bytes_; }
  bool broken() const;
  int server_pid() const { return server_.pid(); }

  /// Any offset and length inside the disk. Fails: the server could not, or the line broke (see broken()).
  Outcome read(std::uint64_t offset, MutableBytes out);
  Outcome write(std::uint64_t offset, Bytes in);
  Outcome flush();
  /// Has the server read ahead, if it can; does not wait.
  void prepare(std::uint64_t offset, std::uint64_t bytes);
  /// True: the server knows without reading that these are zeros. Fails: the line broke.
  Result<bool> known_zeros(std::uint64_t offset, std::uint64_t bytes);

 private:
  struct CloseHandle {
    void operator()(nbd_handle* handle) const;
  };

  NbdConnection(const NbdImage& image, NbdServer server) : image_(image), server_(std::move(server)) {}

  Outcome finish(std::int64_t cookie, std::string_view doing, std::uint64_t offset);
  Error failed(std::string_view doing, std::uint64_t offset) const;

  NbdImage image_;
  NbdServer server_;
  std::unique_ptr<nbd_handle, CloseHandle> handle_;
  std::uint64_t bytes_ = 0;
  bool can_flush_ = false, can_cache_ = false, knows_zeros_ = false;
  bool broken_ = false;
  unsigned preparing_ = 0;
  std::uint64_t zeros_begin_ = 0, zeros_end_ = 0;  ///< the last stretch of zeros that the server told
};

}  // namespace lockstitch::world
