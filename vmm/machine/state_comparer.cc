// See state_comparer.h.
#include "vmm/machine/state_comparer.h"

#include <algorithm>

#include "vmm/machine/state_format.h"

namespace lockstitch {
namespace {

bool equal(const StateItem& a, const StateItem& b) {
  return a.tag == b.tag && a.name == b.name && a.bits == b.bits && a.value == b.value &&
         std::equal(a.data.begin(), a.data.end(), b.data.begin(), b.data.end());
}

/// What stands at a place where next() gave an item, or could not.
std::string describe(bool found, bool at_end, const StateItem& item) {
  if (found) return to_text(item);
  return at_end ? "end of the state" : "damaged state";
}

}  // namespace

std::optional<Divergence> first_difference(Tick tick, Bytes expected, Bytes got) {
  StateStream left(expected);
  StateStream right(got);
  StatePath path;
  while (!left.at_end() || !right.at_end()) {
    const bool left_ended = left.at_end();
    const bool right_ended = right.at_end();
    StateItem a;
    StateItem b;
    const bool a_found = left.next(a);
    const bool b_found = right.next(b);
    if (!a_found || !b_found || !equal(a, b)) {
      return Divergence{tick, path.with(a_found ? a.name : b.name), describe(a_found, left_ended, a),
                        describe(b_found, right_ended, b)};
    }
    if (a.tag == StateTag::enter) path.enter(a.name);
    if (a.tag == StateTag::leave) path.leave();
  }
  return std::nullopt;
}

}  // namespace lockstitch
