// See ioapic.h.
#include "devices/irq/ioapic.h"

#include <utility>

namespace lockstitch {
namespace {
constexpr std::uint64_t select_offset = 0x00, window_offset = 0x10;
constexpr std::uint32_t version = 0x0017'0011;
constexpr unsigned first_entry_register = 0x10;

// Redirection entry.
constexpr std::uint64_t logical = 1 << 11, delivery_status = 1 << 12, remote_irr = 1 << 14, level = 1 << 15,
                        masked = 1 << 16;
constexpr std::uint64_t read_only = delivery_status | remote_irr;
constexpr std::uint64_t entry_bits = 0xff00'0000'0001'ffff;

template <class Input, class Owner, std::size_t... N>
std::array<Input, sizeof...(N)> make_inputs(Owner& owner, std::index_sequence<N...>) {
  return {Input(owner, N)...};
}
}  // namespace

IoApic::IoApic(std::string name, MsiPort& messages)
    : name_(std::move(name)),
      messages_(messages),
      inputs_(make_inputs<Input>(*this, std::make_index_sequence<pin_count>{})) {
  entries_.fill(masked);
}

void IoApic::reset() {
  entries_.fill(masked);
  wires_ = 0;
  select_ = id_ = 0;
}

void IoApic::visit(StateVisitor& v) {
  v.field("entries", entries_);
  v.field("wires", wires_);
  v.field("select", select_);
  v.field("id", id_);
}

void IoApic::send(unsigned pin) {
  const std::uint64_t e = entries_[pin];
  const std::uint64_t address = 0xfee0'0000 | (e >> 56) << 12 | (e & logical ? 4 : 0);
  // Vector and delivery mode lie in the same bits of an entry and of a message; so does the trigger mode.
  messages_.message(address, static_cast<std::uint32_t>((e & 0x7ff) | (e & level) | 1 << 14));
}

void IoApic::service_level(unsigned pin) {
  std::uint64_t& e = entries_[pin];
  if (!(e & level) || (e & (masked | remote_irr)) || !(wires_ >> pin & 1)) return;
  e |= remote_irr;
  send(pin);
}

void IoApic::set_input(unsigned pin, bool to) {
  const std::uint32_t bit = 1u << pin;
  const bool rises = to && !(wires_ & bit);
  wires_ = to ? wires_ | bit : wires_ & ~bit;
  if (entries_[pin] & level) {
    service_level(pin);
  } else if (rises && !(entries_[pin] & masked)) {
    send(pin);
  }
}

void IoApic::end_of_interrupt(std::uint8_t vector) {
  for (unsigned pin = 0; pin < pin_count; ++pin) {
    std::uint64_t& e = entries_[pin];
    if (!(e & remote_irr) || (e & 0xff) != vector) continue;
    e &= ~remote_irr;
    service_level(pin);
  }
}

std::uint32_t IoApic::read_register() const {
  switch (select_) {
    case 0:
    case 2:
      return std::uint32_t{id_} << 24;
    case 1:
      return version;
    default:
      break;
  }
  const unsigned index = select_ - first_entry_register;
  if (select_ < first_entry_register || index >= 2 * pin_count) return 0;
  return static_cast<std::uint32_t>(entries_[index / 2] >> (index & 1 ? 32 : 0));
}

void IoApic::write_register(std::uint32_t value) {
  if (select_ == 0) id_ = value >> 24 & 15;
  const unsigned index = select_ - first_entry_register;
  if (select_ < first_entry_register || index >= 2 * pin_count) return;
  const unsigned pin = index / 2;
  std::uint64_t& e = entries_[pin];
  if (index & 1) {
    e = (e & 0xffff'ffff) | (std::uint64_t{value} << 32 & entry_bits);
  } else {
    e = (e & (0xffff'ffff'0000'0000 | read_only)) | (value & entry_bits & ~read_only);
    // An edge entry has no remote IRR; guests without directed EOI use this to clear a stuck one.
    if (!(e & level)) e &= ~remote_irr;
  }
  service_level(pin);
}

std::uint64_t IoApic::read(std::uint64_t offset, unsigned width) {
  if (offset == select_offset) return select_;
  if (offset == window_offset) return read_register() & ones(width);
  return 0;
}

void IoApic::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (offset == select_offset) select_ = static_cast<std::uint8_t>(value);
  if (offset == window_offset && width == 4) write_register(static_cast<std::uint32_t>(value));
}

}  // namespace lockstitch
