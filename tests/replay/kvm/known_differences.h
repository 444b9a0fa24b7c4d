// Test guests that cannot end equally on the interpreter and on the KVM of a certain host, each with its reason.
#pragma once
#include <string>

#include "tests/replay/kvm/host_kvm.h"

namespace lockstitch::test {

/// Empty: the guest ends equally there.
std::string known_difference(Host host, const std::string& guest);

}  // namespace lockstitch::test
