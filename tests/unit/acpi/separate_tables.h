// A good set of tables, each by itself in memory with room behind it, so that a test can spoil any of them: find the
// table, change it, and have its length and sum made right again, or not.
#pragma once
#include <string>

#include "tests/unit/acpi/aml_code.h"
#include "tests/unit/acpi/placed_tables.h"

namespace lockstitch::acpi_check {

class SeparateTables {
 public:
  explicit SeparateTables(const Configuration& configuration);

  using Table = std::vector<std::uint8_t>;
  /// By signature; "SSDT" by signature and OEM table id, as "SSDT LSHPET".
  Table& table(const std::string& name);
  Table& rsdp() { return placed_.memory.at(placed_.rsdp); }
  PlacedTables& placed() { return placed_; }

  /// Replaces the `index`th place with these bytes. Fails the test: there is none.
  void swap(const std::string& name, const aml::Code& from, const aml::Code& to, unsigned index = 0);
  void rename(const std::string& name, const std::string& from, const std::string& to, unsigned index = 0);
  template <class T>
  void set(const std::string& name, std::size_t at, T value) {
    Table& bytes = table(name);
    for (unsigned i = 0; i < sizeof(T); ++i) bytes.at(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
    seal(bytes);
  }
  /// Lists one more table in RSDT and XSDT.
  void add(Table bytes);
  void add_ssdt(const std::string& id, const aml::Code& code);
  /// Length and sum become right.
  void finish(const std::string& name) { seal(table(name)); }
  void finish_rsdp();

 private:
  static void seal(Table& bytes);
  Gpa put(Table bytes);

  PlacedTables placed_;
  Gpa next_ = 0;
};

}  // namespace lockstitch::acpi_check
