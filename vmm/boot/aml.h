// The AML compiled from firmware/acpi by iasl, as complete tables with header.
#pragma once
#include "lockstitch/types.h"

namespace lockstitch::boot {

Bytes dsdt_aml();
Bytes ps2_aml();

}  // namespace lockstitch::boot
