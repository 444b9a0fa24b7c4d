// `lockstitch commit`: what a recorded guest wrote goes into its disk images after all, because somebody asks for it.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// The process's exit code. Fails: whatever keeps a replay from its goal, an image that cannot be replaced, no room;
/// all images are then as they were, or some are whole with the guest's writes.
Result<int> commit(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app
