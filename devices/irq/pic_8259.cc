// See pic_8259.h.
#include "devices/irq/pic_8259.h"

#include <utility>

namespace lockstitch {
namespace {
constexpr std::uint8_t elcr_master_bits = 0xf8, elcr_slave_bits = 0xde;
constexpr std::uint8_t spurious = 7;

constexpr std::uint8_t bit(unsigned n) { return static_cast<std::uint8_t>(1u << n); }

template <class Input, class Owner, std::size_t... N>
std::array<Input, sizeof...(N)> make_inputs(Owner& owner, std::index_sequence<N...>) {
  return {Input(owner, N)...};
}
}  // namespace

Pic8259::Pic8259(std::string name, IrqLine& output)
    : name_(std::move(name)), output_(output), inputs_(make_inputs<Input>(*this, std::make_index_sequence<16>{})) {}

void Pic8259::reset() {
  master_ = {};
  slave_ = {};
  update();
}

void Pic8259::Chip::visit(StateVisitor& v) {
  v.field("wires", wires);
  v.field("edges", edges);
  v.field("level", level);
  v.field("mask", mask);
  v.field("in_service", in_service);
  v.field("base", base);
  v.field("lowest", lowest);
  v.field("expect", expect);
  v.field("wants_icw3", wants_icw3);
  v.field("wants_icw4", wants_icw4);
  v.field("auto_eoi", auto_eoi);
  v.field("rotate_on_auto_eoi", rotate_on_auto_eoi);
  v.field("special_mask", special_mask);
  v.field("fully_nested", fully_nested);
  v.field("read_in_service", read_in_service);
  v.field("poll", poll);
  if (v.loading() && (lowest > 7 || static_cast<unsigned>(expect) >= expect_count)) v.fail("8259: impossible state");
}

void Pic8259::visit(StateVisitor& v) {
  {
    Section section(v, "master");
    master_.visit(v);
  }
  Section section(v, "slave");
  slave_.visit(v);
}

void Pic8259::set_wire(Chip& chip, unsigned input, bool level) {
  if (level && !(chip.wires & bit(input))) chip.edges |= bit(input);
  if (level) {
    chip.wires |= bit(input);
  } else {
    chip.wires &= static_cast<std::uint8_t>(~bit(input));
  }
}

void Pic8259::set_input(unsigned number, bool level) {
  if (number == cascade) return;
  set_wire(number < 8 ? master_ : slave_, number & 7, level);
  update();
}

unsigned Pic8259::highest(const Chip& chip, std::uint8_t bits) const {
  if (bits == 0) return none;
  for (unsigned i = 1; i <= 8; ++i) {
    const unsigned input = (chip.lowest + i) & 7;
    if (bits & bit(input)) return input;
  }
  return none;
}

unsigned Pic8259::pending(const Chip& chip) const {
  const unsigned wanted = highest(chip, static_cast<std::uint8_t>(chip.requests() & ~chip.mask));
  if (wanted == none) return none;
  std::uint8_t blocking = chip.in_service;
  if (chip.special_mask) blocking &= static_cast<std::uint8_t>(~chip.mask);
  // In special fully nested mode a second interrupt from the slave may pass the first.
  if (chip.fully_nested && &chip == &master_) blocking &= static_cast<std::uint8_t>(~bit(cascade));
  const unsigned serving = highest(chip, blocking);
  if (serving == none) return wanted;
  const auto rank = [&chip](unsigned input) { return (input - chip.lowest - 1u) & 7; };
  return rank(wanted) < rank(serving) ? wanted : none;
}

void Pic8259::update() {
  // The cascade wire is followed as a level: a slave that withdraws its request leaves nothing behind in the master.
  const bool slave_asks = pending(slave_) != none;
  set_wire(master_, cascade, slave_asks);
  if (!slave_asks) master_.edges &= static_cast<std::uint8_t>(~bit(cascade));
  if (slave_asks) master_.edges |= bit(cascade);
  output_.set(pending(master_) != none);
}

void Pic8259::take(Chip& chip, unsigned input) {
  chip.edges &= static_cast<std::uint8_t>(~bit(input));
  if (!chip.auto_eoi) {
    chip.in_service |= bit(input);
  } else if (chip.rotate_on_auto_eoi) {
    chip.lowest = static_cast<std::uint8_t>(input);
  }
}

std::uint8_t Pic8259::acknowledge() {
  const unsigned input = pending(master_);
  std::uint8_t vector = static_cast<std::uint8_t>(master_.base + spurious);
  if (input != none) {
    take(master_, input);
    vector = static_cast<std::uint8_t>(master_.base + input);
    if (input == cascade) {
      const unsigned slave_input = pending(slave_);
      if (slave_input != none) take(slave_, slave_input);
      vector = static_cast<std::uint8_t>(slave_.base + (slave_input != none ? slave_input : spurious));
    }
  }
  update();
  return vector;
}

void Pic8259::end_of_interrupt(Chip& chip, unsigned input, bool rotate) {
  if (input == none) return;
  chip.in_service &= static_cast<std::uint8_t>(~bit(input));
  if (rotate) chip.lowest = static_cast<std::uint8_t>(input);
}

void Pic8259::command(Chip& chip, std::uint8_t value) {
  if (value & 0x10) {  // ICW1; wires and ELCR are outside of the chip
    Chip begun;
    begun.wires = chip.wires;
    begun.level = chip.level;
    begun.base = chip.base;
    begun.mask = 0;
    begun.expect = Expect::icw2;
    begun.wants_icw3 = !(value & 2);
    begun.wants_icw4 = value & 1;
    chip = begun;
    return;
  }
  if (value & 0x08) {  // OCW3
    if (value & 0x40) chip.special_mask = value & 0x20;
    if (value & 0x02) chip.read_in_service = value & 1;
    chip.poll = value & 0x04;
    return;
  }
  const unsigned input = value & 7;  // OCW2
  const auto served = static_cast<std::uint8_t>(chip.special_mask ? chip.in_service & ~chip.mask : chip.in_service);
  switch (value >> 5) {
    case 0:
      chip.rotate_on_auto_eoi = false;
      break;
    case 1:
      end_of_interrupt(chip, highest(chip, served), false);
      break;
    case 3:
      end_of_interrupt(chip, input, false);
      break;
    case 4:
      chip.rotate_on_auto_eoi = true;
      break;
    case 5:
      end_of_interrupt(chip, highest(chip, served), true);
      break;
    case 6:
      chip.lowest = static_cast<std::uint8_t>(input);
      break;
    case 7:
      end_of_interrupt(chip, input, true);
      break;
    default:
      break;
  }
}

void Pic8259::data(Chip& chip, std::uint8_t value) {
  switch (chip.expect) {
    case Expect::mask:
      chip.mask = value;
      break;
    case Expect::icw2:
      chip.base = value & 0xf8;
      chip.expect = chip.wants_icw3 ? Expect::icw3 : chip.wants_icw4 ? Expect::icw4 : Expect::mask;
      break;
    case Expect::icw3:  // the cascade is wired as it is
      chip.expect = chip.wants_icw4 ? Expect::icw4 : Expect::mask;
      break;
    case Expect::icw4:
      chip.auto_eoi = value & 0x02;
      chip.fully_nested = value & 0x10;
      chip.expect = Expect::mask;
      break;
  }
}

void Pic8259::write_chip(Chip& chip, std::uint64_t offset, std::uint8_t value) {
  if (offset == 0) {
    command(chip, value);
  } else {
    data(chip, value);
  }
  update();
}

std::uint8_t Pic8259::read_chip(Chip& chip, std::uint64_t offset) {
  if (chip.poll) {
    chip.poll = false;
    const unsigned input = pending(chip);
    if (input == none) return 0;
    take(chip, input);
    update();
    return static_cast<std::uint8_t>(0x80 | input);
  }
  if (offset != 0) return chip.mask;
  return chip.read_in_service ? chip.in_service : chip.requests();
}

void Pic8259::write_elcr(std::uint64_t offset, std::uint8_t value) {
  if (offset == 0) {
    master_.level = value & elcr_master_bits;
  } else {
    slave_.level = value & elcr_slave_bits;
  }
  update();
}

}  // namespace lockstitch
