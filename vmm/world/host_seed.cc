// See host_seed.h.
#include "vmm/world/host_seed.h"

#include <sys/random.h>

#include <cerrno>

#include "lockstitch/assert.h"

namespace lockstitch::world {

std::array<std::uint8_t, 32> host_seed() {
  std::array<std::uint8_t, 32> seed;
  ssize_t got = 0;
  // Only the wait for the pool to be ready right after the host's boot can be interrupted (getrandom(2)).
  do got = ::getrandom(seed.data(), seed.size(), 0);
  while (got < 0 && errno == EINTR);
  LS_ASSERT_CMP(got, ==, static_cast<ssize_t>(seed.size()));
  return seed;
}

}  // namespace lockstitch::world
