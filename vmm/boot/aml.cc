// See aml.h. The included files are made by the build.
#include "vmm/boot/aml.h"

namespace lockstitch::boot {

namespace {
#include "dsdt.hex"
#include "ps2.hex"
}  // namespace

Bytes dsdt_aml() { return dsdt_aml_code; }
Bytes ps2_aml() { return ps2_aml_code; }

}  // namespace lockstitch::boot
