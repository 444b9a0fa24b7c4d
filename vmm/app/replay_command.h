// `lockstitch replay`: a recorded machine once more, compared with what it was.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// The process's exit code: 0 when everything that was compared is equal. Fails: what kept the replay from its goal.
Result<int> replay(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app
