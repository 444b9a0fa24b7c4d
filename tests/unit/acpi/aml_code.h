// Writes AML for tests that plant something. Names are absolute or single segments of four characters.
// Source: ACPI 6.3 chapter 20.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lockstitch::acpi_check::aml {

using Code = std::vector<std::uint8_t>;

inline Code operator+(Code left, const Code& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// "\_SB_.PCI0" or "_HID".
inline Code path(const std::string& text) {
  Code code;
  std::string rest = text;
  if (rest[0] == '\\') {
    code.push_back('\\');
    rest.erase(0, 1);
  }
  const std::size_t segments = (rest.size() + 1) / 5;
  if (segments == 2) code.push_back(0x2e);
  if (segments > 2) code = code + Code{0x2f, static_cast<std::uint8_t>(segments)};
  for (const char c : rest)
    if (c != '.') code.push_back(static_cast<std::uint8_t>(c));
  return code;
}

/// An operation whose length goes before its contents; the length is written in two bytes.
inline Code sized(Code operation, const Code& contents) {
  const std::size_t length = contents.size() + 2;
  return operation + Code{static_cast<std::uint8_t>(0x40 | (length & 15)), static_cast<std::uint8_t>(length >> 4)} +
         contents;
}

inline Code integer(std::uint32_t value) {
  Code code{0x0c};
  for (unsigned i = 0; i < 4; ++i) code.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return code;
}
inline Code text(const std::string& value) { return Code{0x0d} + Code(value.begin(), value.end()) + Code{0}; }
inline Code buffer(const Code& bytes) {
  return sized({0x11}, Code{0x0a, static_cast<std::uint8_t>(bytes.size())} + bytes);
}
inline Code package(std::uint8_t count, const Code& elements) { return sized({0x12}, Code{count} + elements); }
inline Code name(const std::string& where, const Code& value) { return Code{0x08} + path(where) + value; }
inline Code scope(const std::string& where, const Code& contents) { return sized({0x10}, path(where) + contents); }
inline Code device(const std::string& where, const Code& contents) {
  return sized({0x5b, 0x82}, path(where) + contents);
}
inline Code method(const std::string& where, std::uint8_t arguments, const Code& contents) {
  return sized({0x14}, path(where) + Code{arguments} + contents);
}
/// A port descriptor at a fixed place.
inline Code io(std::uint16_t first, std::uint8_t count) {
  const auto low = static_cast<std::uint8_t>(first), high = static_cast<std::uint8_t>(first >> 8);
  return {0x47, 1, low, high, low, high, 1, count};
}
/// Edge, active high, by mask.
inline Code irqs(std::uint16_t mask) {
  return {0x22, static_cast<std::uint8_t>(mask), static_cast<std::uint8_t>(mask >> 8)};
}
inline Code resources(const Code& descriptors) { return buffer(descriptors + Code{0x79, 0}); }

}  // namespace lockstitch::acpi_check::aml
