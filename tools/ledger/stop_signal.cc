// See stop_signal.h.
#include "tools/ledger/stop_signal.h"

#include <signal.h>
#include <sys/signalfd.h>

namespace lockstitch::ledger {

int watch_for_stop() {
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGTERM);
  ::sigaddset(&stops, SIGINT);
  const int fd = ::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd >= 0) ::sigprocmask(SIG_BLOCK, &stops, nullptr);
  return fd;
}

}  // namespace lockstitch::ledger
