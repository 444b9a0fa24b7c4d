// State for people: indented sections, one field per line, values in hex.
#pragma once
#include <string>

#include "lockstitch/state.h"

namespace lockstitch {

class StatePrinter final : public StateVisitor {
 public:
  const std::string& text() const { return text_; }

  void enter(std::string_view section) override;
  void leave() override;
  void number(std::string_view name, std::uint64_t& value, unsigned bits) override;
  void bytes(std::string_view name, MutableBytes value) override;
  void blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) override;
  bool loading() const override { return false; }
  void fail(std::string_view why) override;

 private:
  void add_line(std::string_view text);

  std::string text_;
  unsigned depth_ = 0;
};

std::string print_state(Stateful& component);

}  // namespace lockstitch
