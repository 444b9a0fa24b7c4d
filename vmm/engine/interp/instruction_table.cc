// Puts the families' rows together, in the order in which the decoder tries them.
#include <vector>

#include "vmm/engine/interp/row.h"

namespace lockstitch::interp {

std::span<const Row> instruction_table() {
  static const std::vector<Row> table = [] {
    std::vector<Row> all;
    for (const auto family : {rows_alu(), rows_move(), rows_shift(), rows_multiply(), rows_bits(), rows_branch(), rows_stack(), rows_string(),
                              rows_io(), rows_flags(), rows_far(), rows_system(), rows_x87(), rows_mmx(), rows_sse_move(), rows_sse_float(),
                              rows_sse_integer(), rows_sse4()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return table;
}

}  // namespace lockstitch::interp
