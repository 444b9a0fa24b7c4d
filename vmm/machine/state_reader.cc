// See state_reader.h.
#include "vmm/machine/state_reader.h"

#include <algorithm>

namespace lockstitch {

Outcome StateReader::finish() {
  if (error_.empty() && !stream_.at_end()) error_ = "there is more state than this machine has components for";
  if (error_.empty()) return success();
  return Error{ExitCode::bad_input, "the saved state does not fit this machine: " + error_};
}

void StateReader::fail_at(std::string_view name, std::string_view why) {
  if (error_.empty()) error_ = path_.with(name) + ": " + std::string(why);
}

void StateReader::fail(std::string_view why) { fail_at("", why); }

bool StateReader::take(StateTag tag, std::string_view name, StateItem& item) {
  if (!error_.empty()) return false;
  if (!stream_.next(item)) {
    fail_at(name, stream_.at_end() ? "the state ends here" : "the state is damaged here");
    return false;
  }
  if (item.tag == tag && item.name == name) return true;
  fail_at(name, "found " + to_text(item) + " instead");
  return false;
}

void StateReader::enter(std::string_view section) {
  StateItem item;
  take(StateTag::enter, section, item);
  path_.enter(section);
}

void StateReader::leave() {
  StateItem item;
  take(StateTag::leave, "", item);
  path_.leave();
}

void StateReader::number(std::string_view name, std::uint64_t& value, unsigned bits) {
  StateItem item;
  if (!take(StateTag::number, name, item)) return;
  if (item.bits != bits) {
    fail_at(name, "has " + std::to_string(item.bits) + " bits instead of " + std::to_string(bits));
    return;
  }
  value = item.value;
}

void StateReader::bytes(std::string_view name, MutableBytes value) {
  StateItem item;
  if (!take(StateTag::bytes, name, item)) return;
  if (item.data.size() != value.size()) {
    fail_at(name, "has " + std::to_string(item.data.size()) + " bytes instead of " + std::to_string(value.size()));
    return;
  }
  std::copy(item.data.begin(), item.data.end(), value.begin());
}

void StateReader::blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) {
  StateItem item;
  if (!take(StateTag::blob, name, item)) return;
  if (item.data.size() > limit) {
    fail_at(name, "has " + std::to_string(item.data.size()) + " bytes, more than the limit " + std::to_string(limit));
    return;
  }
  value.assign(item.data.begin(), item.data.end());
}

Outcome load_state(Stateful& component, Bytes stream) {
  StateReader reader(stream);
  component.visit(reader);
  Outcome outcome = reader.finish();
  if (outcome.ok()) component.loaded();
  return outcome;
}

}  // namespace lockstitch
