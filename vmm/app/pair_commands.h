// `lockstitch status`, `failover` and `test-failover`: asked of a replica through its control socket.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

Result<int> status(const std::vector<std::string>& arguments);
Result<int> failover(const std::vector<std::string>& arguments);
Result<int> test_failover(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app
