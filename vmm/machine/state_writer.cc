// See state_writer.h.
#include "vmm/machine/state_writer.h"

namespace lockstitch {

void StateWriter::put(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

std::vector<std::uint8_t> save_state(Stateful& component) {
  StateWriter writer;
  component.visit(writer);
  return writer.take();
}

}  // namespace lockstitch
