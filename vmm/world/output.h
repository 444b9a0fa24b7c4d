// Bytes on their way to a file descriptor that may be slow, stopped or gone, without ever blocking the world thread on
// a terminal, pipe or socket. Who writes here bounds what it appends (outbox.h).
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "lockstitch/types.h"
#include "vmm/world/descriptor.h"

namespace lockstitch::world {

class Output {
 public:
  /// `fd` is borrowed. -1: everything is swallowed.
  explicit Output(int fd);

  void append(Bytes bytes);
  /// Writes what can be written now.
  void flush();
  std::size_t pending() const { return waiting_.size() - written_; }
  /// What to poll while something is pending.
  int fd() const { return own_ ? own_.get() : fd_; }
  /// Bytes that came after the other side was gone (closed pipe, hung-up terminal).
  std::uint64_t lost_bytes() const { return lost_bytes_; }

 private:
  ssize_t write_some(const std::uint8_t* data, std::size_t size);
  void give_up();

  int fd_;
  Descriptor own_;  ///< the same file, opened anew without blocking: O_NONBLOCK on fd_ would reach the shell
  bool is_socket_ = false;
  bool may_block_ = false;  ///< a terminal or pipe that could not be opened anew
  bool broken_ = false;
  std::vector<std::uint8_t> waiting_;
  std::size_t written_ = 0;
  std::uint64_t lost_bytes_ = 0;
};

}  // namespace lockstitch::world
