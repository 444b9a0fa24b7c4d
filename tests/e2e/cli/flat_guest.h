// Guests of a few bytes, to be run with --flat: what a test needs that no guest of firmware/guests does.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lockstitch::test {

class FlatGuest {
 public:
  /// Prints a byte on COM1.
  FlatGuest& print(char byte);
  /// Waits for a byte on COM1 and ends with it as exit code.
  FlatGuest& exit_with_input();
  FlatGuest& exit(std::uint8_t code);
  FlatGuest& spin();
  FlatGuest& halt();

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  FlatGuest& add(std::initializer_list<std::uint8_t> code);
  std::vector<std::uint8_t> bytes_;
};

}  // namespace lockstitch::test
