// See dac.h.
#include "devices/video/dac.h"

namespace lockstitch {

void Dac::set_read_index(std::uint8_t index) {
  read_index_ = index;
  component_ = 0;
  reading_ = true;
}

void Dac::set_write_index(std::uint8_t index) {
  write_index_ = index;
  component_ = 0;
  reading_ = false;
}

std::uint8_t Dac::read_component() {
  const std::uint8_t value = entries_[3u * read_index_ + component_];
  if (++component_ == 3) {
    component_ = 0;
    ++read_index_;
  }
  return value;
}

void Dac::write_component(std::uint8_t value) {
  if (!wide_) value &= 0x3f;
  if (component_ < 2) {
    pending_[component_++] = value;
    return;
  }
  entries_[3u * write_index_] = pending_[0];
  entries_[3u * write_index_ + 1] = pending_[1];
  entries_[3u * write_index_ + 2] = value;
  component_ = 0;
  ++write_index_;
}

std::uint32_t Dac::colour(std::uint8_t index) const {
  std::uint32_t rgb = 0;
  for (unsigned i = 0; i < 3; ++i) {
    std::uint32_t value = entries_[3u * (index & mask_) + i];
    if (!wide_) value = (value & 0x3f) << 2 | (value & 0x3f) >> 4;
    rgb = rgb << 8 | value;
  }
  return rgb;
}

void Dac::visit(StateVisitor& v) {
  v.field("mask", mask_);
  v.field("reading", reading_);
  v.field("read_index", read_index_);
  v.field("write_index", write_index_);
  v.field("component", component_);
  v.field("pending", pending_);
  v.field("entries", entries_);
  if (v.loading() && component_ > 2) {
    component_ = 0;
    v.fail("a palette entry has only three components");
  }
}

}  // namespace lockstitch
