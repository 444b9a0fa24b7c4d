// See irq_router.h.
#include "vmm/machine/irq_router.h"

#include <string>

#include "lockstitch/assert.h"

namespace lockstitch {

class IrqRouter::Line final : public IrqLine {
 public:
  Line(IrqRouter& router, unsigned line_gsi, std::string line_name)
      : gsi(line_gsi), name(std::move(line_name)), router_(router) {}

  void set(bool new_level) override {
    if (new_level == level) return;
    level = new_level;
    unsigned& high = router_.high_[gsi];
    const bool before = high != 0;
    high = level ? high + 1 : high - 1;
    const bool after = high != 0;
    if (before == after) return;
    for (IrqLine* sink : router_.sinks_[gsi]) sink->set(after);
  }

  const unsigned gsi;
  const std::string name;
  bool level = false;

 private:
  IrqRouter& router_;
};

IrqRouter::IrqRouter() = default;
IrqRouter::~IrqRouter() = default;

void IrqRouter::connect(unsigned gsi, IrqLine& sink) {
  LS_ASSERT_CMP(gsi, <, gsi_count);
  LS_ASSERT_CMP(high_[gsi], ==, 0u);
  sinks_[gsi].push_back(&sink);
}

IrqLine& IrqRouter::make_line(unsigned gsi) {
  LS_ASSERT_CMP(gsi, <, gsi_count);
  std::string name = "line" + std::to_string(lines_.size()) + "_gsi" + std::to_string(gsi);
  return *lines_.emplace_back(std::make_unique<Line>(*this, gsi, std::move(name)));
}

void IrqRouter::visit(StateVisitor& visitor) {
  for (auto& line : lines_) visitor.field(line->name, line->level);
}

void IrqRouter::loaded() {
  high_.fill(0);
  for (const auto& line : lines_) high_[line->gsi] += line->level;
}

}  // namespace lockstitch
