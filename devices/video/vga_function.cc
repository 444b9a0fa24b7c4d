// See vga_function.h.
#include "devices/video/vga_function.h"

#include "devices/video/picture_view.h"
#include "devices/video/text_view.h"
#include "lockstitch/assert.h"

namespace lockstitch {

VgaFunction::VgaFunction(std::string name, ClockPort& clock, DeviceMemory& video_memory)
    : PciFunction(std::move(name), {.vendor = 0x1234, .device = 0x1111, .revision = 2, .class_code = 0x03'00'00}),
      video_memory_(video_memory),
      vga_(clock),
      dispi_(vga_, video_memory),
      dispi_ports_(dispi_),
      memory_(vga_, dispi_, video_memory),
      block_(vga_, dispi_) {
  LS_ASSERT_CMP(video_memory.contents().size(), ==, video_memory_bytes);
  add_bar(0, BarKind::memory32_prefetchable, video_memory_bytes);
  add_bar(2, BarKind::memory32, register_bytes);
  attach_bar(0, video_memory.map());
}

void VgaFunction::reset() {
  PciFunction::reset();
  vga_.reset();
  dispi_.reset();
  dispi_ports_.reset();
  memory_.reset();
}

void VgaFunction::visit(StateVisitor& v) {
  PciFunction::visit(v);
  {
    Section section(v, "vga");
    vga_.visit(v);
    memory_.visit(v);
  }
  Section section(v, "dispi");
  dispi_.visit(v);
  dispi_ports_.visit(v);
}

void VgaFunction::loaded() {
  PciFunction::loaded();
  dispi_.loaded();
}

void VgaFunction::draw(Picture& picture) const {
  shown() ? draw_picture(vga_, dispi_, video_memory_.contents(), picture) : draw_black(picture);
}

std::optional<TextScreen> VgaFunction::text() const {
  if (!shown() || dispi_.enabled() || !vga_.text_mode()) return std::nullopt;
  return text_view(vga_, video_memory_.contents());
}

}  // namespace lockstitch
