// See msr_router.h.
#include "devices/hyperv/msr_router.h"

namespace lockstitch {
namespace {
constexpr std::uint32_t tsc_msr = 0x10;
constexpr std::uint32_t x2apic_eoi = 0x80b, x2apic_isr = 0x810;
constexpr std::uint64_t xapic_eoi = 0xb0, xapic_isr = 0x100;

bool is_hyperv(std::uint32_t index) { return index >= 0x4000'0000 && index <= 0x4000'01ff; }
}  // namespace

bool MsrRouter::in_service(std::uint8_t vector) {
  std::uint64_t part = 0;
  if (!apic_.read_msr(x2apic_isr + vector / 32u, part)) part = apic_.read(xapic_isr + vector / 32u * 16, 4);
  return part >> (vector % 32) & 1;
}

std::uint8_t MsrRouter::acknowledge() {
  const std::uint8_t vector = apic_.acknowledge();
  // The PIC may have given this vector as well; then nothing is in service.
  if (hyperv_.is_auto_eoi(vector) && in_service(vector) && !apic_.write_msr(x2apic_eoi, 0))
    apic_.write(xapic_eoi, 4, 0);
  return vector;
}

bool MsrRouter::read_msr(std::uint32_t index, std::uint64_t& value) {
  return is_hyperv(index) ? hyperv_.read_msr(index, value) : apic_.read_msr(index, value);
}

bool MsrRouter::write_msr(std::uint32_t index, std::uint64_t value) {
  if (index == tsc_msr) {
    hyperv_.set_tsc_offset(value);
    return true;
  }
  return is_hyperv(index) ? hyperv_.write_msr(index, value) : apic_.write_msr(index, value);
}

}  // namespace lockstitch
