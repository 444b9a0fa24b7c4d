// See pair_trouble.h.
#include "vmm/app/pair_trouble.h"

#include <unistd.h>

#include "vmm/app/message.h"

namespace lockstitch::app {

void PairTrouble::report(const Error& error) {
  say(error.text);
  desk_.report({sync::CoreReport::Kind::step_down, error.text, {}});
}

void PairTrouble::over() { say("the disk works again"); }

bool PairTrouble::wait_to_retry() {
  for (unsigned waited_ms = 0; waited_ms < 1000; waited_ms += 50) {
    while (const auto order = desk_.next_order()) {
      if (order->kind == sync::OrderKind::discard || order->kind == sync::OrderKind::end) return false;
    }
    ::usleep(50'000);
  }
  return true;
}

void PairTrouble::abandon(const Error& error) {
  // The core stands in the middle of an instruction and cannot go back to it. Whoever restarts this process gets a
  // standby.
  ::usleep(100'000);  // the peer is being told
  say(error.text + " This replica has stepped down; start it again when its disk works.");
  ::_exit(static_cast<int>(error.code));
}

}  // namespace lockstitch::app
