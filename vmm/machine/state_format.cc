// See state_format.h.
#include "vmm/machine/state_format.h"

#include <array>
#include <cstring>

#include "lockstitch/assert.h"

namespace lockstitch {
namespace {

constexpr std::size_t name_max_bytes = 255;
constexpr std::size_t length_bytes = 4;

/// The beginning of an item, built in place: it is put as one piece.
class Head {
 public:
  void add_byte(std::uint64_t byte) { bytes_[size_++] = static_cast<std::uint8_t>(byte); }
  void add_name(std::string_view name) {
    LS_ASSERT_CMP(name.size(), <=, name_max_bytes);
    add_byte(name.size());
    std::memcpy(bytes_.data() + size_, name.data(), name.size());
    size_ += name.size();
  }
  void add_number(std::uint64_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add_byte(value >> (8 * i));
  }
  Bytes view() const { return {bytes_.data(), size_}; }

 private:
  std::array<std::uint8_t, name_max_bytes + 16> bytes_;
  std::size_t size_ = 0;
};

Head head_of(StateTag tag) {
  Head head;
  head.add_byte(static_cast<std::uint8_t>(tag));
  return head;
}

std::uint64_t little_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

bool fits(std::uint64_t value, unsigned bits) { return bits == 64 || value >> bits == 0; }

std::string hex_of(std::uint64_t value) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789abcdef"[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

/// Takes bytes off the front of a view.
class Cutter {
 public:
  explicit Cutter(Bytes bytes) : rest(bytes) {}
  bool cut(std::size_t count, Bytes& out) {
    if (count > rest.size()) return false;
    out = rest.first(count);
    rest = rest.subspan(count);
    return true;
  }
  bool cut_number(std::size_t count, std::uint64_t& out) {
    Bytes bytes;
    if (!cut(count, bytes)) return false;
    out = little_endian(bytes);
    return true;
  }
  Bytes rest;
};

}  // namespace

std::string value_text(const StateItem& item) {
  constexpr std::size_t shown_max_bytes = 64;
  if (item.tag == StateTag::number) return hex_of(item.value);
  std::string text = "[" + std::to_string(item.data.size()) + "]";
  for (std::size_t i = 0; i < item.data.size() && i < shown_max_bytes; ++i) {
    text += ' ';
    text += "0123456789abcdef"[item.data[i] >> 4];
    text += "0123456789abcdef"[item.data[i] & 15];
  }
  if (item.data.size() > shown_max_bytes) text += " ...";
  return text;
}

std::string to_text(const StateItem& item) {
  const std::string name(item.name);
  switch (item.tag) {
    case StateTag::enter:
      return "section " + name;
    case StateTag::leave:
      return "end of section";
    case StateTag::number:
      return "number " + name + " (" + std::to_string(item.bits) + " bits) = " + value_text(item);
    case StateTag::bytes:
      return "bytes " + name + " = " + value_text(item);
    case StateTag::blob:
      return "blob " + name + " = " + value_text(item);
  }
  return {};
}

bool StateStream::next(StateItem& item) {
  Cutter in(rest_);
  std::uint64_t tag = 0;
  if (!in.cut_number(1, tag)) return false;
  if (tag < static_cast<std::uint64_t>(StateTag::enter) || tag > static_cast<std::uint64_t>(StateTag::blob))
    return false;
  StateItem found;
  found.tag = static_cast<StateTag>(tag);
  if (found.tag != StateTag::leave) {
    std::uint64_t length = 0;
    Bytes name;
    if (!in.cut_number(1, length) || !in.cut(length, name)) return false;
    found.name = {reinterpret_cast<const char*>(name.data()), name.size()};
  }
  if (found.tag == StateTag::number) {
    std::uint64_t bits = 0;
    if (!in.cut_number(1, bits) || bits < 1 || bits > 64) return false;
    found.bits = static_cast<unsigned>(bits);
    if (!in.cut_number((bits + 7) / 8, found.value) || !fits(found.value, found.bits)) return false;
  } else if (found.tag == StateTag::bytes || found.tag == StateTag::blob) {
    std::uint64_t length = 0;
    if (!in.cut_number(length_bytes, length) || !in.cut(length, found.data)) return false;
  }
  rest_ = in.rest;
  item = found;
  return true;
}

void StatePath::enter(std::string_view section) {
  lengths_.push_back(text_.size());
  text_.append(section);
  text_ += '/';
}

void StatePath::leave() {
  if (lengths_.empty()) return;
  text_.resize(lengths_.back());
  lengths_.pop_back();
}

std::string StatePath::with(std::string_view field) const {
  if (field.empty() && !text_.empty()) return text_.substr(0, text_.size() - 1);
  return text_ + std::string(field);
}

void StateEncoder::enter(std::string_view section) {
  Head head = head_of(StateTag::enter);
  head.add_name(section);
  put(head.view());
}

void StateEncoder::leave() { put(head_of(StateTag::leave).view()); }

void StateEncoder::number(std::string_view name, std::uint64_t& value, unsigned bits) {
  LS_ASSERT(bits >= 1 && bits <= 64 && fits(value, bits));
  Head head = head_of(StateTag::number);
  head.add_name(name);
  head.add_byte(bits);
  head.add_number(value, (bits + 7) / 8);
  put(head.view());
}

void StateEncoder::bytes(std::string_view name, MutableBytes value) { put_data(StateTag::bytes, name, value); }

void StateEncoder::blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) {
  LS_ASSERT_CMP(value.size(), <=, limit);
  put_data(StateTag::blob, name, value);
}

void StateEncoder::fail(std::string_view why) {
  // Components judge values only while loading.
  LS_ASSERT(why.empty());
}

void StateEncoder::put_data(StateTag tag, std::string_view name, Bytes data) {
  LS_ASSERT_CMP(data.size(), <=, 0xffff'ffffu);
  Head head = head_of(tag);
  head.add_name(name);
  head.add_number(data.size(), length_bytes);
  put(head.view());
  put(data);
}

}  // namespace lockstitch
