// What a check has found, and how numbers and texts of tables are written in a finding.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lockstitch::acpi_check {

class Findings {
 public:
  /// `sentence` names the table or object, its value and what it must be. `rule`: one of rules().
  void add(std::string_view rule, const std::string& sentence);
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

std::string hex(std::uint64_t value);

}  // namespace lockstitch::acpi_check
