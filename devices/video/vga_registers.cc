// See vga_registers.h.
#include "devices/video/vga_registers.h"

namespace lockstitch {
namespace {
// Which bits of a register exist.
constexpr std::array<std::uint8_t, 5> sequencer_mask = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
constexpr std::array<std::uint8_t, 9> graphics_mask = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
constexpr std::array<std::uint8_t, 21> attribute_mask = {0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                                         0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                                         0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f};
constexpr std::uint8_t sequencer_index_mask = 0x07, graphics_index_mask = 0x0f, attribute_index_mask = 0x3f;

constexpr std::uint8_t status_not_shown = 0x01, status_retrace = 0x08;
constexpr std::uint8_t crtc_protect = 0x80;        // in register 11h: 00h-07h are read-only
constexpr std::uint8_t line_compare_bit_8 = 0x10;  // in register 07h, not protected

/// Ports, as offsets from 3B0h; the CRT controller's are of the monochrome range.
enum Port : unsigned {
  crtc_index = 0x04,
  crtc_data = 0x05,
  status_1 = 0x0a,
  attribute_port = 0x10,
  attribute_read = 0x11,
  misc_write = 0x12,
  subsystem_enable = 0x13,
  sequencer_index = 0x14,
  sequencer_data = 0x15,
  dac_mask = 0x16,
  dac_read_index = 0x17,
  dac_write_index = 0x18,
  dac_data = 0x19,
  feature_read = 0x1a,
  misc_read = 0x1c,
  graphics_index = 0x1e,
  graphics_data = 0x1f,
};

template <std::size_t N>
std::uint8_t stored(const std::array<std::uint8_t, N>& registers, unsigned index) {
  return index < N ? registers[index] : 0;
}

template <std::size_t N>
bool fits(const std::array<std::uint8_t, N>& registers, const std::array<std::uint8_t, N>& mask) {
  for (std::size_t i = 0; i < N; ++i)
    if (registers[i] & ~mask[i]) return false;
  return true;
}
}  // namespace

std::uint8_t VgaRegisters::status() const {
  const std::uint64_t in_frame = clock_.now().value % frame_ns;
  if (in_frame / line_ns >= shown_lines) return status_not_shown | status_retrace;
  return in_frame % line_ns >= shown_line_ns ? status_not_shown : 0;
}

std::uint8_t VgaRegisters::read_byte(std::uint64_t offset) {
  auto port = static_cast<unsigned>(offset);
  if (port < 0x10 || port >= 0x20) {
    if (colour_ports() != (port >= 0x20)) return 0xff;
    port &= 0x0f;
  }
  switch (port) {
    case crtc_index:
      return crtc_index_;
    case crtc_data:
      return stored(crtc_, crtc_index_);
    case status_1:
      attribute_data_ = false;
      return status();
    case attribute_port:
      return attribute_index_;
    case attribute_read:
      return stored(attribute_, attribute_index_ & 0x1f);
    case misc_write:
      return 0;  // input status 0: no interrupt, switch open
    case subsystem_enable:
      return enable_;
    case sequencer_index:
      return sequencer_index_;
    case sequencer_data:
      return stored(sequencer_, sequencer_index_);
    case dac_mask:
      return dac_.mask();
    case dac_read_index:
      return dac_.direction();
    case dac_write_index:
      return dac_.write_index();
    case dac_data:
      return dac_.read_component();
    case feature_read:
      return feature_;
    case misc_read:
      return misc_;
    case graphics_index:
      return graphics_index_;
    case graphics_data:
      return stored(graphics_, graphics_index_);
    default:
      return 0xff;
  }
}

void VgaRegisters::write_byte(std::uint64_t offset, std::uint8_t value) {
  auto port = static_cast<unsigned>(offset);
  if (port < 0x10 || port >= 0x20) {
    if (colour_ports() != (port >= 0x20)) return;
    port &= 0x0f;
  }
  switch (port) {
    case crtc_index:
      crtc_index_ = value;
      return;
    case crtc_data:
      return write_crtc(value);
    case status_1:
      feature_ = value;
      return;
    case attribute_port:
      return write_attribute(value);
    case misc_write:
      misc_ = value;
      return;
    case subsystem_enable:
      enable_ = value & 1;
      return;
    case sequencer_index:
      sequencer_index_ = value & sequencer_index_mask;
      return;
    case sequencer_data:
      if (sequencer_index_ < sequencer_.size()) sequencer_[sequencer_index_] = value & sequencer_mask[sequencer_index_];
      return;
    case dac_mask:
      return dac_.set_mask(value);
    case dac_read_index:
      return dac_.set_read_index(value);
    case dac_write_index:
      return dac_.set_write_index(value);
    case dac_data:
      return dac_.write_component(value);
    case graphics_index:
      graphics_index_ = value & graphics_index_mask;
      return;
    case graphics_data:
      if (graphics_index_ < graphics_.size()) graphics_[graphics_index_] = value & graphics_mask[graphics_index_];
      return;
    default:
      return;
  }
}

void VgaRegisters::write_attribute(std::uint8_t value) {
  if (!attribute_data_) {
    attribute_index_ = value & attribute_index_mask;
  } else if (const unsigned index = attribute_index_ & 0x1f; index < attribute_.size()) {
    // Registers past 14h do not exist: bit 4 of 16h would be taken for an ET4000.
    attribute_[index] = value & attribute_mask[index];
  }
  attribute_data_ = !attribute_data_;
}

void VgaRegisters::write_crtc(std::uint8_t value) {
  if (crtc_index_ >= crtc_.size()) return;
  std::uint8_t& target = crtc_[crtc_index_];
  if (crtc_index_ < 8 && (crtc_[0x11] & crtc_protect)) {
    if (crtc_index_ != 7) return;
    value = static_cast<std::uint8_t>((target & ~line_compare_bit_8) | (value & line_compare_bit_8));
  }
  target = value;
}

void VgaRegisters::describe_mode(unsigned width, unsigned height, unsigned pitch, bool planar) {
  auto change = [](std::uint8_t& target, unsigned mask, unsigned value) {
    target = static_cast<std::uint8_t>((target & ~mask) | (value & mask));
  };
  change(graphics_[6], 0x0f, 0x05);  // graphics, 64 KiB at A0000h
  change(graphics_[5], 0x60, planar ? 0x00 : 0x40);
  change(sequencer_[1], 0x08, 0);
  if (!planar) {
    change(sequencer_[2], 0x0f, 0x0f);
    change(sequencer_[4], 0x08, 0x08);
  }
  change(crtc_[0x17], 0x03, 0x03);
  change(crtc_[0x13], 0xff, pitch / 8);
  change(crtc_[0x01], 0xff, width / 8 - 1);
  change(crtc_[0x12], 0xff, height - 1);
  change(crtc_[0x07], 0x42, ((height - 1) & 0x100) >> 7 | ((height - 1) & 0x200) >> 3);
  change(crtc_[0x09], 0x9f, 0);
  change(crtc_[0x18], 0xff, 0xff);  // no split
  change(crtc_[0x07], 0x10, 0x10);
  change(crtc_[0x09], 0x40, 0x40);
}

void VgaRegisters::reset() {
  misc_ = feature_ = 0;
  enable_ = 1;
  sequencer_index_ = graphics_index_ = crtc_index_ = attribute_index_ = 0;
  attribute_data_ = false;
  sequencer_ = {};
  graphics_ = {};
  crtc_ = {};
  attribute_ = {};
  dac_.reset();
}

void VgaRegisters::visit(StateVisitor& v) {
  v.field("misc", misc_);
  v.field("feature", feature_);
  v.field("enable", enable_);
  v.field("sequencer_index", sequencer_index_);
  v.field("graphics_index", graphics_index_);
  v.field("crtc_index", crtc_index_);
  v.field("attribute_index", attribute_index_);
  v.field("attribute_data", attribute_data_);
  v.field("sequencer", sequencer_);
  v.field("graphics", graphics_);
  v.field("crtc", crtc_);
  v.field("attribute", attribute_);
  {
    Section section(v, "dac");
    dac_.visit(v);
  }
  if (!v.loading()) return;
  if (enable_ > 1 || (sequencer_index_ & ~sequencer_index_mask) || (graphics_index_ & ~graphics_index_mask) ||
      (attribute_index_ & ~attribute_index_mask))
    v.fail("a VGA index register has bits that do not exist");
  if (!fits(sequencer_, sequencer_mask) || !fits(graphics_, graphics_mask) || !fits(attribute_, attribute_mask))
    v.fail("a VGA register has bits that do not exist");
}

}  // namespace lockstitch
