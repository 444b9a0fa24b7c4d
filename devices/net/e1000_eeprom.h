// The serial EEPROM of the network card, as a driver reads it: bit by bit through EECD or word by word through EERD.
// Not here: what the card itself loads from it at reset (e1000.cc). Source: 8254x SDM 5.2, 5.6, 13.4.3, 13.4.4;
// National NM93C46 datasheet.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

class E1000Eeprom {
 public:
  static constexpr unsigned words = 64;
  explicit E1000Eeprom(const std::array<std::uint8_t, 6>& mac);

  void reset();
  void visit(StateVisitor& visitor);

  std::uint32_t read_eecd() const;
  void write_eecd(std::uint32_t value);
  std::uint32_t read_eerd() const { return eerd_; }
  void write_eerd(std::uint32_t value);

 private:
  void clock(bool data_in);
  bool data_out() const;

  std::array<std::uint16_t, words> contents_;  ///< what was configured; the guest cannot change it

  std::uint32_t control_ = 0;  ///< the writable bits of EECD
  std::uint32_t eerd_ = 0;
  std::uint32_t command_ = 0;   ///< start bit, opcode and address as they come in
  std::uint8_t bits_in_ = 0;    ///< Range: 0 (waits for a start bit) .. 9 (complete)
  std::uint16_t bits_out_ = 0;  ///< Range: 0 .. 1024, bits shown of a read
};

}  // namespace lockstitch
