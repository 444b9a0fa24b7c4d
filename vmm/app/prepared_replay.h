// A replay of which nothing is left to be decided: what the commands that replay have in common.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/open_trace.h"
#include "vmm/app/replaying.h"
#include "vmm/app/session.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

struct PreparedReplay {
  std::unique_ptr<OpenTrace> trace;
  Settings settings;
  std::unique_ptr<Replaying> replaying;
};

/// `images`: folders in which to look for images that are not where they were. Fails: no trace, damage before the goal,
/// a machine that this program cannot make, an image that is gone or has changed.
Result<PreparedReplay> prepare_replay(const std::string& path, const ReplayOptions& options,
                                      const std::vector<std::string>& images);

/// Opens the session and replays to the goal, for the sake of the machine that then stands there. The exit code: 0 when
/// it does; else what has been said already.
Result<int> replay_to_goal(PreparedReplay& prepared, Session& session);

}  // namespace lockstitch::app
