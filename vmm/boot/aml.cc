// See aml.h. The included files are made by the build.
#include "vmm/boot/aml.h"

namespace lockstitch::boot {

namespace {
#include "dsdt.hex"
#include "dsdt_keyboard.hex"
#include "hpet.hex"
#include "pvpanic.hex"
}  // namespace

Bytes dsdt_aml() { return dsdt_aml_code; }
Bytes dsdt_keyboard_aml() { return dsdt_keyboard_aml_code; }
Bytes hpet_aml() { return hpet_aml_code; }
Bytes pvpanic_aml() { return pvpanic_aml_code; }

}  // namespace lockstitch::boot
