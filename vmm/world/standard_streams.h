// Descriptors 0, 1 and 2 must be taken before the program opens anything, or a disk image could become its standard
// output.
#pragma once
#include <fcntl.h>
#include <unistd.h>

namespace lockstitch::world {

/// First thing in main(). A closed standard stream becomes /dev/null.
inline void occupy_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    // open() takes the lowest free number, which is this one.
    if (::fcntl(fd, F_GETFD) < 0) [[maybe_unused]]
      const int taken = ::open("/dev/null", O_RDWR);
  }
}

}  // namespace lockstitch::world
