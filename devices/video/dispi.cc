// See dispi.h.
#include "devices/video/dispi.h"

#include <algorithm>

namespace lockstitch {
namespace {
constexpr std::uint64_t unit_bytes = 1 << 16;
constexpr std::uint16_t bank_mask = 0xff;
}  // namespace

Dispi::Mode Dispi::mode() const {
  const unsigned x = values_[x_offset];
  const std::uint64_t row = std::uint64_t{values_[y_offset]} * pitch(values_);
  const std::uint64_t column = planar() ? x / 8 * 4 : std::uint64_t{x} * bits(values_) / 8;
  return {values_[width], values_[height], values_[depth], pitch(values_), row + column, planar() ? x % 8 : 0};
}

std::uint16_t Dispi::read(unsigned index) const {
  if (index >= registers) return 0;
  if (values_[enable] & enable_capabilities) {
    if (index == width) return max_width;
    if (index == height) return max_height;
    if (index == depth) return max_depth;
  }
  if (index == memory_units) return static_cast<std::uint16_t>(memory_.contents().size() / unit_bytes);
  return values_[index];
}

void Dispi::write(unsigned index, std::uint16_t value) {
  switch (index) {
    case id:
      if (value >= first_id && value <= last_id) values_[id] = value;
      return;
    case width:
    case height:
    case depth:
    case virtual_width:
    case x_offset:
    case y_offset:
      values_[index] = value;
      return settle();
    case enable:
      return write_enable(value);
    case bank:
      values_[bank] = value & bank_mask;
      return;
    default:
      return;
  }
}

void Dispi::write_enable(std::uint16_t value) {
  const bool was_on = enabled();
  values_[enable] = value;
  loaded();
  if (enabled() == was_on) return;
  values_[bank] = 0;
  if (!enabled()) return;
  values_[virtual_width] = values_[x_offset] = values_[y_offset] = 0;
  settle();
  if (!(value & enable_keep_memory)) clear_screen();
}

Dispi::Values Dispi::settled(Values v) const {
  constexpr std::array<std::uint16_t, 6> depths = {4, 8, 15, 16, 24, 32};
  if (std::find(depths.begin(), depths.end(), v[depth]) == depths.end()) v[depth] = 8;
  auto whole_groups = [](unsigned pixels, unsigned least) {
    return static_cast<std::uint16_t>(std::clamp(pixels & ~7u, least, max_width));
  };
  v[width] = whole_groups(v[width], 8);
  v[virtual_width] = whole_groups(v[virtual_width], v[width]);
  const std::uint64_t size = memory_.contents().size(), row = pitch(v);
  const std::uint64_t rows = size / row;
  v[virtual_height] = static_cast<std::uint16_t>(std::min<std::uint64_t>(rows, 0xffff));
  v[height] =
      static_cast<std::uint16_t>(std::clamp<std::uint64_t>(v[height], 1, std::min<std::uint64_t>(rows, max_height)));
  auto outside = [&] { return (std::uint64_t{v[y_offset]} + v[height]) * row + v[x_offset] * bits(v) / 8 > size; };
  if (outside()) v[y_offset] = 0;
  if (outside()) v[x_offset] = 0;
  return v;
}

void Dispi::settle() {
  if (!enabled()) return;
  values_ = settled(values_);
  vga_.describe_mode(values_[width], values_[height], pitch(values_), planar());
}

void Dispi::clear_screen() {
  static constexpr std::array<std::uint8_t, page_bytes> zeros{};
  const std::uint64_t bytes = std::uint64_t{values_[height]} * pitch(values_);
  for (std::uint64_t at = 0; at < bytes; at += zeros.size())
    memory_.write(at, Bytes(zeros).first(std::min<std::uint64_t>(zeros.size(), bytes - at)));
}

void Dispi::reset() {
  values_ = {last_id};
  loaded();
}

void Dispi::visit(StateVisitor& v) {
  v.field("values", values_);
  if (!v.loading()) return;
  if (values_[id] < first_id || values_[id] > last_id || (values_[bank] & ~bank_mask) || values_[memory_units] != 0)
    v.fail("a display interface register has a value it cannot have");
  if (enabled() && settled(values_) != values_) {
    values_[enable] = 0;
    v.fail("a display mode does not fit");
  }
}

std::uint64_t DispiPorts::read(std::uint64_t offset, unsigned width) {
  const std::uint64_t data = dispi_.read(index_);
  switch (offset) {
    case 0:
      return width == 4 ? index_ | data << 16 : index_;
    case 1:
    case 2:
      return data;
    default:
      return data >> 8;
  }
}

void DispiPorts::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (width < 2) return;
  if (offset == 0) {
    index_ = static_cast<std::uint16_t>(value);
    if (width == 2) return;
    value >>= 16;
  }
  dispi_.write(index_, static_cast<std::uint16_t>(value));
}

}  // namespace lockstitch
