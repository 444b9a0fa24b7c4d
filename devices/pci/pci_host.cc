// See pci_host.h.
#include "devices/pci/pci_host.h"

namespace lockstitch {
namespace {
constexpr std::uint32_t enable_bit = 0x8000'0000, latch_bits = 0x80ff'fffc;
constexpr std::uint64_t reset_control_offset = 1;

// Programmable attribute map: register 59h has F0000h in its upper half; each later one two segments of 16 KiB from
// C0000h on, the lower address in its lower half. Source: Intel 82441FX datasheet, 3.2.18
constexpr unsigned pam_first = 0x59, pam_last = 0x5f;
constexpr std::uint8_t pam_reads_ram = 1, pam_writes_ram = 2;
constexpr Gpa pam_segments_gpa = 0xc'0000, pam_bios_gpa = 0xf'0000;
constexpr std::uint64_t pam_segment_bytes = 0x4000, pam_bios_bytes = 0x1'0000;
}  // namespace

PciHost::PciHost(std::string name, RegisterWindow* reset_control, ShadowPort* shadow)
    : PciFunction(std::move(name), {.vendor = 0x8086, .device = 0x1237, .revision = 2, .class_code = 0x06'00'00}),
      reset_control_(reset_control),
      shadow_(shadow) {
  set_initial(0x04, {0x06});  // memory and bus mastering are always on
  set_writable(0x04, 2, 0);
  set_writable(0x50, 0x1f);  // configuration, DRAM and PAM registers 59h-5Fh
  set_initial(0x72, {0x02});
  set_writable(0x72, 1);
  functions_[0] = this;
}

void PciHost::add(unsigned slot, unsigned function, PciFunction& pci_function) {
  LS_ASSERT(slot < 32 && function < 8);
  PciFunction*& place = functions_[8 * slot + function];
  LS_ASSERT(place == nullptr);
  place = &pci_function;
}

void PciHost::reset() {
  PciFunction::reset();
  latch_ = 0;
  tell_shadow();
}

void PciHost::loaded() {
  PciFunction::loaded();
  tell_shadow();
}

void PciHost::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  PciFunction::write_config(offset, width, value);
  if (offset + width > pam_first && offset <= pam_last) tell_shadow();
}

void PciHost::tell_shadow() {
  if (shadow_ == nullptr) return;
  const auto tell = [this](Gpa base, std::uint64_t bytes, unsigned bits) {
    shadow_->set_shadow(base, bytes, bits & pam_reads_ram, bits & pam_writes_ram);
  };
  tell(pam_bios_gpa, pam_bios_bytes, config(pam_first) >> 4);
  for (unsigned half = 0; half < 2 * (pam_last - pam_first); ++half) {
    const unsigned bits = config(pam_first + 1 + half / 2) >> (half % 2 == 0 ? 0 : 4);
    tell(pam_segments_gpa + half * pam_segment_bytes, pam_segment_bytes, bits);
  }
}

void PciHost::visit(StateVisitor& v) {
  PciFunction::visit(v);
  v.field("latch", latch_);
}

PciFunction* PciHost::selected() const {
  if (!(latch_ & enable_bit) || ((latch_ >> 16) & 0xff) != 0) return nullptr;
  return functions_[(latch_ >> 8) & 0xff];
}

std::uint64_t PciHost::AddressWindow::read(std::uint64_t offset, unsigned width) {
  if (offset == 0 && width == 4) return host_.latch_;
  if (offset == reset_control_offset && width == 1 && host_.reset_control_) return host_.reset_control_->read(0, 1);
  return ones(width);
}

void PciHost::AddressWindow::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (offset == 0 && width == 4) {
    host_.latch_ = static_cast<std::uint32_t>(value) & latch_bits;
  } else if (offset == reset_control_offset && width == 1 && host_.reset_control_) {
    host_.reset_control_->write(0, 1, value);
  }
}

std::uint64_t PciHost::DataWindow::read(std::uint64_t offset, unsigned width) {
  PciFunction* function = host_.selected();
  if (function == nullptr || offset + width > 4) return ones(width);
  return function->read_config((host_.latch_ & 0xfc) + static_cast<unsigned>(offset), width);
}

void PciHost::DataWindow::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  PciFunction* function = host_.selected();
  if (function == nullptr || offset + width > 4) return;
  function->write_config((host_.latch_ & 0xfc) + static_cast<unsigned>(offset), width,
                         static_cast<std::uint32_t>(value & ones(width)));
}

}  // namespace lockstitch
