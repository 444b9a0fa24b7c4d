// Reads the declarations of AML tables into one namespace: enough to check what a guest would find, without executing
// anything. Not here: what the declarations must say (namespace_rules.h), resource templates (resource_reader.h).
// Source: ACPI 6.3 chapter 20.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lockstitch/types.h"

namespace lockstitch::acpi_check {

/// A constant, or a name that stands where a constant could.
struct AmlValue {
  enum class Kind { none, integer, text, buffer, package, reference };
  Kind kind = Kind::none;
  std::uint64_t number = 0;
  std::string text;                 ///< a string, or the name as it was written
  std::vector<std::uint8_t> bytes;  ///< of a buffer
  std::vector<AmlValue> elements;   ///< of a package
  bool variable = false;            ///< a package of the kind that came with ACPI 2.0
};

struct AmlObject {
  enum class Kind { scope, device, name, method, processor, region, field, power_resource, thermal_zone, other };
  Kind kind = Kind::scope;
  std::string path;   ///< "\_SB_.PCI0": segments of four characters
  std::string table;  ///< where it was declared, such as "DSDT"
  AmlValue value;     ///< name: its constant. Method: what it returns, if it does nothing but return it
  std::map<std::string, AmlValue> locals;  ///< method: constants that it names before it does anything
  std::string calls;                       ///< method: the one whose result it returns
  unsigned arguments = 0;                  ///< method
  unsigned processor_id = 0, block_port = 0, block_bytes = 0;
  unsigned space = 0;  ///< region: 0 memory, 1 I/O, 2 PCI configuration
  std::uint64_t region_base = 0, region_bytes = 0;
  std::string region;                      ///< field: path of its region
  std::uint64_t bit_offset = 0, bits = 0;  ///< field
};

class AmlNamespace {
 public:
  AmlNamespace();

  /// Adds what a table with header declares. `table` names it in objects and in errors.
  void read(const std::string& table, Bytes bytes);

  const std::map<std::string, AmlObject>& objects() const { return objects_; }
  /// What could not be understood, one sentence each. Reading goes on behind the object that contains it.
  const std::vector<std::string>& errors() const { return errors_; }

  const AmlObject* find(const std::string& path) const;
  /// Follows a name written in `scope` by the search rules of ACPI 5.3.
  const AmlObject* resolve(const std::string& scope, const std::string& name) const;
  /// The constant behind a name or behind a method that only returns it; null if that is not to be known so.
  const AmlValue* constant(const AmlObject& object) const;
  /// A member of a device, e.g. "_HID".
  const AmlObject* member(const AmlObject& device, const std::string& segment) const;
  std::vector<const AmlObject*> of_kind(AmlObject::Kind kind) const;

 private:
  class Reader;
  void declare(AmlObject object);

  std::map<std::string, AmlObject> objects_;
  std::vector<std::string> errors_;
};

/// "\_SB_.PCI0" of "\_SB_.PCI0._HID"; the root is "\".
std::string parent_path(const std::string& path);
std::string last_segment(const std::string& path);

}  // namespace lockstitch::acpi_check
