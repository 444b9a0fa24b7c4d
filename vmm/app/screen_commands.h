// `lockstitch screen`, `screenshot`, `type`, `press`, `mouse`, `point`, `eject` and `insert`: a running guest, looked at and
// touched by way of its control socket. Not here: who answers (guest_requests.h).
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

// Each gives the process's exit code. Fails: nobody answers there, the guest cannot, a wrong argument.

Result<int> show_screen(const std::vector<std::string>& arguments);
Result<int> take_screenshot(const std::vector<std::string>& arguments);
Result<int> type_into_guest(const std::vector<std::string>& arguments);
Result<int> press_keys(const std::vector<std::string>& arguments);
Result<int> point_in_guest(const std::vector<std::string>& arguments);
Result<int> move_guest_mouse(const std::vector<std::string>& arguments);
Result<int> eject_medium(const std::vector<std::string>& arguments);
Result<int> insert_medium(const std::vector<std::string>& arguments);

/// The control socket that is meant: of a trace's or a replica's folder, or the socket itself.
std::string control_socket_of(const std::string& where);

}  // namespace lockstitch::app
