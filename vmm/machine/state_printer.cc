// See state_printer.h.
#include "vmm/machine/state_printer.h"

#include "vmm/machine/state_format.h"

namespace lockstitch {

void StatePrinter::add_line(std::string_view text) {
  text_.append(2 * depth_, ' ');
  text_.append(text);
  text_ += '\n';
}

void StatePrinter::enter(std::string_view section) {
  add_line(std::string(section) + ":");
  ++depth_;
}

void StatePrinter::leave() { --depth_; }

void StatePrinter::number(std::string_view name, std::uint64_t& value, unsigned bits) {
  StateItem item{StateTag::number, name, bits, value, {}};
  add_line(value_text(item).insert(0, " = ").insert(0, name));
}

void StatePrinter::bytes(std::string_view name, MutableBytes value) {
  add_line(value_text({StateTag::bytes, name, 0, 0, value}).insert(0, " = ").insert(0, name));
}

void StatePrinter::blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t) {
  add_line(value_text({StateTag::blob, name, 0, 0, value}).insert(0, " = ").insert(0, name));
}

void StatePrinter::fail(std::string_view why) { add_line(std::string("! ") + std::string(why)); }

std::string print_state(Stateful& component) {
  StatePrinter printer;
  component.visit(printer);
  return printer.text();
}

}  // namespace lockstitch
