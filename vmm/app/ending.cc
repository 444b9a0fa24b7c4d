// See ending.h.
#include "vmm/app/ending.h"

#include "vmm/world/stop_request.h"

namespace lockstitch::app {

namespace {

Ending stopped(world::StopReason reason) {
  constexpr int interrupted = static_cast<int>(ExitCode::interrupted);
  switch (reason) {
    case world::StopReason::escape_key:
      return {"escape_key", interrupted, false, "the guest was ended by the escape key"};
    case world::StopReason::signal:
      return {"signal", interrupted, false, "the guest was ended by a signal"};
    case world::StopReason::trouble:
      return {"trouble", static_cast<int>(ExitCode::world), true, "the guest was ended by trouble of the host"};
    case world::StopReason::application:
      break;
  }
  return {"stopped", interrupted, false, "the guest was ended"};
}

}  // namespace

Ending describe(const End& end) {
  constexpr int guest_crash = static_cast<int>(ExitCode::guest_crash);
  switch (end.reason) {
    case EndReason::power_off:
      return {"power_off", 0, false, "the guest powered itself off"};
    case EndReason::debug_exit:
      return {"debug_exit", static_cast<int>(end.argument), false,
              "the guest ended with code " + std::to_string(end.argument)};
    case EndReason::reset:
      return {"reset", 0, false, "the guest reset itself"};
    case EndReason::shutdown:
      return {"triple_fault", guest_crash, true, "the guest crashed by a triple fault"};
    case EndReason::stop_tick:
      return {"stop_tick", 0, false, "the guest was stopped"};
    case EndReason::dead:
      return {"dead", guest_crash, true, "the guest halted and nothing can wake it"};
    case EndReason::spinning:
      return {"spinning", static_cast<int>(ExitCode::interrupted), true,
              "the guest was ended while it computed without an exit"};
    case EndReason::stopped:
    case EndReason::watched:
      break;
  }
  return stopped(static_cast<world::StopReason>(end.argument));
}

}  // namespace lockstitch::app
