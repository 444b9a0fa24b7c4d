// What the end of a machine means for the person and for the script.
#pragma once
#include <string>
#include <string_view>

#include "vmm/machine/machine.h"

namespace lockstitch::app {

struct Ending {
  std::string_view reason;  ///< in the summary, e.g. "power_off"
  int exit_code = 0;
  bool crash = false;  ///< worth a sentence even with --quiet
  std::string what;    ///< the first half of the last sentence, e.g. "the guest powered itself off"
};

Ending describe(const End& end);

}  // namespace lockstitch::app
