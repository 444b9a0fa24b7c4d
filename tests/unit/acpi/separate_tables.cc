// See separate_tables.h.
#include "tests/unit/acpi/separate_tables.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "vmm/boot/little_endian.h"

namespace lockstitch::acpi_check {

namespace {

constexpr Gpa rsdp_gpa = 0xe'0000, facs_gpa = 0xe'0040, first_gpa = 0xe'0400;
constexpr std::uint64_t room = 0x400;

void add_up(std::vector<std::uint8_t>& bytes, std::size_t at, std::size_t length) {
  bytes.at(at) = 0;
  std::uint8_t sum = 0;
  for (std::size_t i = 0; i < length; ++i) sum = static_cast<std::uint8_t>(sum + bytes.at(i));
  bytes[at] = static_cast<std::uint8_t>(-sum);
}

/// A root table's header, made from another table's.
std::vector<std::uint8_t> empty_root(std::vector<std::uint8_t> like, const char* signature) {
  like.resize(36);
  std::copy_n(signature, 4, like.begin());
  like[8] = 1;
  return like;
}

}  // namespace

SeparateTables::SeparateTables(const Configuration& configuration) : placed_(placed_directly(configuration)) {
  const std::vector<Table> loose = loose_tables(placed_);
  const Table rsdp = placed_.tables().read(placed_.rsdp, 36);
  placed_.memory.clear();
  placed_.rsdp = rsdp_gpa;
  placed_.memory[rsdp_gpa] = rsdp;
  Table& facs = placed_.memory[facs_gpa];
  facs.resize(64);
  std::copy_n("FACS", 4, facs.begin());
  facs[4] = 64;
  facs[32] = 1;
  next_ = first_gpa;
  const Gpa rsdt = put(empty_root(loose[0], "RSDT")), xsdt = put(empty_root(loose[0], "XSDT"));
  const Gpa dsdt = put(loose.back());
  for (std::size_t i = 0; i + 1 < loose.size(); ++i) add(loose[i]);
  set<std::uint32_t>("FACP", 36, facs_gpa);
  set<std::uint32_t>("FACP", 40, static_cast<std::uint32_t>(dsdt));
  set<std::uint64_t>("FACP", 140, dsdt);
  boot::put<std::uint32_t>(this->rsdp(), 16, rsdt);
  boot::put<std::uint64_t>(this->rsdp(), 24, xsdt);
  finish_rsdp();
}

Gpa SeparateTables::put(Table bytes) {
  const Gpa at = next_;
  next_ += (bytes.size() + 2 * room) & ~(room - 1);
  placed_.memory[at] = std::move(bytes);
  seal(placed_.memory[at]);
  return at;
}

SeparateTables::Table& SeparateTables::table(const std::string& name) {
  for (auto& [at, bytes] : placed_.memory)
    if (at != rsdp_gpa && std::equal(name.begin(), name.begin() + 4, bytes.begin()) &&
        (name.size() < 6 || std::equal(name.begin() + 5, name.end(), bytes.begin() + 16)))
      return bytes;
  FAIL("no table " << name);
  return rsdp();
}

void SeparateTables::swap(const std::string& name, const aml::Code& from, const aml::Code& to, unsigned index) {
  Table& bytes = table(name);
  auto found = bytes.begin() + 36;
  for (unsigned i = 0;; ++i, ++found) {
    found = std::search(found, bytes.end(), from.begin(), from.end());
    REQUIRE(found != bytes.end());
    if (i == index) break;
  }
  REQUIRE(from.size() == to.size());
  std::copy(to.begin(), to.end(), found);
  finish(name);
}

void SeparateTables::rename(const std::string& name, const std::string& from, const std::string& to, unsigned index) {
  swap(name, aml::Code(from.begin(), from.end()), aml::Code(to.begin(), to.end()), index);
}

void SeparateTables::add(Table bytes) {
  const Gpa at = put(std::move(bytes));
  for (const auto& [root, width] : {std::pair{"RSDT", 4u}, std::pair{"XSDT", 8u}}) {
    Table& entries = table(root);
    for (unsigned i = 0; i < width; ++i) entries.push_back(static_cast<std::uint8_t>(at >> (8 * i)));
    finish(root);
  }
}

void SeparateTables::add_ssdt(const std::string& id, const aml::Code& code) {
  Table bytes = table("SSDT");
  bytes.resize(36);
  std::fill_n(bytes.begin() + 16, 8, std::uint8_t{0});
  std::copy(id.begin(), id.end(), bytes.begin() + 16);
  bytes.insert(bytes.end(), code.begin(), code.end());
  add(std::move(bytes));
}

void SeparateTables::seal(Table& bytes) {
  boot::put<std::uint32_t>(bytes, 4, bytes.size());
  add_up(bytes, 9, bytes.size());
}

void SeparateTables::finish_rsdp() {
  add_up(rsdp(), 8, 20);
  add_up(rsdp(), 32, 36);
}

}  // namespace lockstitch::acpi_check
