// The AML compiled from firmware/acpi by iasl, as complete tables with header.
#pragma once
#include "lockstitch/types.h"

namespace lockstitch::boot {

Bytes dsdt_aml();
/// The same with keyboard and mouse.
Bytes dsdt_keyboard_aml();
Bytes hpet_aml();
Bytes pvpanic_aml();

}  // namespace lockstitch::boot
