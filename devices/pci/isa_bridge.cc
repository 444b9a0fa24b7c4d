// See isa_bridge.h.
#include "devices/pci/isa_bridge.h"

namespace lockstitch {
namespace {
constexpr unsigned route_offset = 0x60;
constexpr std::uint8_t route_disabled = 0x80, route_bits = 0x8f;
constexpr std::uint16_t reserved_interrupts = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13;
}  // namespace

IsaBridge::IsaBridge(std::string name, const std::array<IrqLine*, 16>& outputs)
    : PciFunction(
          std::move(name),
          {.vendor = 0x8086, .device = 0x7000, .class_code = 0x06'01'00, .status = 0x0200, .header_type = 0x80}),
      outputs_(outputs) {
  set_initial(0x04, {0x07});
  set_writable(0x04, 2, 0);
  set_initial(0x4c, {0x4d, 0x00, 0x03, 0x00});
  set_initial(route_offset, {route_disabled, route_disabled, route_disabled, route_disabled});
  set_initial(0x69, {0x02});
  set_initial(0x70, {0x80});
  set_initial(0x76, {0x0c, 0x0c, 0x02, 0x00});
  set_initial(0xa0, {0x08});
  set_writable(0x4c, 4);
  set_writable(route_offset, 4, route_bits);
  set_writable(0x69, 1);
  set_writable(0x70, 1);
  set_writable(0x76, 4);
  set_writable(0x80, 1);
  set_writable(0x82, 1);
  set_writable(0xa0, 0x0f);
  pins_.reserve(128);
  for (unsigned slot = 0; slot < 32; ++slot)
    for (unsigned pin = 0; pin < 4; ++pin) pins_.emplace_back(*this, slot, pin);
}

IrqLine& IsaBridge::pin(unsigned slot, unsigned pin) {
  LS_ASSERT(slot < 32 && pin >= 1 && pin <= 4);
  return pins_[4 * slot + pin - 1];
}

void IsaBridge::route(unsigned pirq, std::uint8_t irq) { write_config(route_offset + (pirq & 3), 1, irq); }

void IsaBridge::reset() {
  PciFunction::reset();
  levels_ = {};  // the functions lower their pins in their own reset
  update();
}

void IsaBridge::visit(StateVisitor& v) {
  PciFunction::visit(v);
  v.field("levels", levels_);
}

void IsaBridge::loaded() {
  PciFunction::loaded();
  driven_ = wanted();
}

void IsaBridge::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  PciFunction::write_config(offset, width, value);
  update();
}

void IsaBridge::set_pin(unsigned slot, unsigned pin, bool level) {
  const std::uint32_t bit = std::uint32_t{1} << slot;
  levels_[pin] = level ? levels_[pin] | bit : levels_[pin] & ~bit;
  update();
}

std::uint16_t IsaBridge::wanted() const {
  std::uint16_t irqs = 0;
  for (unsigned pirq = 0; pirq < 4; ++pirq) {
    const std::uint8_t irq = config(route_offset + pirq);
    if (irq & ~0x0fu || (reserved_interrupts >> irq) & 1) continue;
    bool level = false;
    for (unsigned pin = 0; pin < 4; ++pin) {
      // pirq = (pin + slot - 1) mod 4, so these slots reach it with this pin.
      const std::uint32_t slots = 0x1111'1111u << ((pirq - pin + 1) & 3);
      level |= (levels_[pin] & slots) != 0;
    }
    if (level) irqs |= static_cast<std::uint16_t>(1u << irq);
  }
  return irqs;
}

void IsaBridge::update() {
  const std::uint16_t now = wanted();
  const unsigned changed = now ^ driven_;
  driven_ = now;
  for (unsigned irq = 0; irq < 16; ++irq)
    if ((changed >> irq) & 1 && outputs_[irq] != nullptr) outputs_[irq]->set((now >> irq) & 1);
}

}  // namespace lockstitch
