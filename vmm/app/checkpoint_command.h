// `lockstitch checkpoint`: the whole machine of a recording, saved.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// At once in a running recording, else by replaying to a tick. The process's exit code. Fails: nobody records and
/// there is no tick; whatever keeps a replay from its goal; no room.
Result<int> make_checkpoint(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app
