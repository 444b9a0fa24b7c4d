// The palette DAC of a VGA: 256 colours of three components, written and read one component at a time. Not here: which
// of its entries a pixel chooses (picture_view.h). Source: IBM VGA technical reference; Bochs VBE for 8 bits.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

class Dac {
 public:
  /// Components have 6 bits, or 8 when wide.
  void set_wide(bool wide) { wide_ = wide; }

  std::uint8_t mask() const { return mask_; }
  void set_mask(std::uint8_t value) { mask_ = value; }
  /// Port 3C7h: 3 after a read index was set, 0 after a write index.
  std::uint8_t direction() const { return reading_ ? 3 : 0; }
  std::uint8_t write_index() const { return write_index_; }
  void set_read_index(std::uint8_t index);
  void set_write_index(std::uint8_t index);
  std::uint8_t read_component();
  void write_component(std::uint8_t value);

  /// 00RRGGBBh of the entry that `index` chooses under the mask.
  std::uint32_t colour(std::uint8_t index) const;

  void reset() { *this = Dac(); }
  /// Derived elsewhere and not visited: wide.
  void visit(StateVisitor& visitor);

 private:
  bool wide_ = false;
  std::uint8_t mask_ = 0xff;
  bool reading_ = false;
  std::uint8_t read_index_ = 0, write_index_ = 0;
  std::uint8_t component_ = 0;             ///< Range: 0..2, of the entry being read or written
  std::array<std::uint8_t, 2> pending_{};  ///< an entry changes with its third component
  std::array<std::uint8_t, 768> entries_{};
};

}  // namespace lockstitch
