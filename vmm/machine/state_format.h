// State as a stream of bytes: what a component's visit() says, item by item, each with its name and size, so that a
// reader can tell a different layout from a different value. Used by checkpoints, comparisons and hashes alike.
//
//   item   := tag (1 byte), then by tag
//     enter  := name
//     leave  := nothing
//     number := name, bits (1 byte, 1 to 64), value (the fewest bytes that hold `bits`, little endian)
//     bytes  := name, length (4 bytes, little endian), contents      a length that the component fixes
//     blob   := name, length (4 bytes, little endian), contents      a length that varies
//   name   := length (1 byte), characters
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/state.h"

namespace lockstitch {

enum class StateTag : std::uint8_t { enter = 1, leave, number, bytes, blob };

/// One item; name and data point into the stream.
struct StateItem {
  StateTag tag = StateTag::leave;
  std::string_view name;
  unsigned bits = 0;        ///< numbers
  std::uint64_t value = 0;  ///< numbers
  Bytes data;               ///< bytes and blobs
};

/// For people: "0x1f" or "[3] 01 02 ff"; long contents are cut.
std::string value_text(const StateItem& item);
/// For people: "number deadline_ns (64 bits) = 0x1f".
std::string to_text(const StateItem& item);

/// Cuts a stream into items. Any bytes are safe.
class StateStream {
 public:
  explicit StateStream(Bytes bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  /// Fails: false when the rest does not begin with a whole, well-formed item; it is then left where it is.
  bool next(StateItem& item);

 private:
  Bytes rest_;
};

/// The names of the open sections, and the path of a field in them.
class StatePath {
 public:
  void enter(std::string_view section);
  void leave();
  std::string with(std::string_view field) const;

 private:
  std::string text_;
  std::vector<std::size_t> lengths_;
};

/// A visitor that turns a component into the stream's bytes; where they go is up to the descendant.
class StateEncoder : public StateVisitor {
 public:
  void enter(std::string_view section) override;
  void leave() override;
  void number(std::string_view name, std::uint64_t& value, unsigned bits) override;
  void bytes(std::string_view name, MutableBytes value) override;
  void blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) override;
  bool loading() const override { return false; }
  void fail(std::string_view why) override;

 protected:
  virtual void put(Bytes bytes) = 0;

 private:
  void put_data(StateTag tag, std::string_view name, Bytes data);
};

}  // namespace lockstitch
