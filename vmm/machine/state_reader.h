// Loads components from the stream of state_format.h. Every item must have the name, kind and size that the component
// asks for; the first that has not ends the load, by its path. Any bytes are safe: what a damaged stream can do is
// fail.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "vmm/machine/state_format.h"

namespace lockstitch {

class StateReader final : public StateVisitor {
 public:
  explicit StateReader(Bytes stream) : stream_(stream) {}

  /// Order: after the visit. Fails: something did not match, a component refused a value, or bytes are left over.
  Outcome finish();

  // After a failure fields keep the values they have.
  void enter(std::string_view section) override;
  void leave() override;
  void number(std::string_view name, std::uint64_t& value, unsigned bits) override;
  void bytes(std::string_view name, MutableBytes value) override;
  void blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) override;
  bool loading() const override { return true; }
  void fail(std::string_view why) override;

 private:
  bool take(StateTag tag, std::string_view name, StateItem& item);
  void fail_at(std::string_view name, std::string_view why);

  StateStream stream_;
  StatePath path_;
  std::string error_;
};

/// Visits, checks and calls loaded(). Fails: the component is then half loaded and must not be used.
Outcome load_state(Stateful& component, Bytes stream);

}  // namespace lockstitch
