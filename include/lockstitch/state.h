// One visitor, five uses (law 4): a component lists its fields once in visit(); save, load, hash, compare and print are
// visitors. Names are stable identities: they appear in checkpoints, digests by section and divergence reports.
#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lockstitch/tick.h"
#include "lockstitch/types.h"

namespace lockstitch {

class StateVisitor {
 public:
  virtual ~StateVisitor() = default;

  /// Opens and closes a named section; sections nest and give fields their path ("board/lapic/timer/deadline_ns").
  virtual void enter(std::string_view section) = 0;
  virtual void leave() = 0;

  /// An unsigned integer field. Range: bits 1..64; value fits in `bits`.
  virtual void number(std::string_view name, std::uint64_t& value, unsigned bits) = 0;
  /// A byte array whose length is fixed by the component.
  virtual void bytes(std::string_view name, MutableBytes value) = 0;
  /// A byte array of variable length. Range: up to `limit` bytes.
  virtual void blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) = 0;
  virtual bool loading() const = 0;
  /// Called by a component that finds an impossible value while loading. The load as a whole then fails with this text.
  virtual void fail(std::string_view why) = 0;

  // What components call. Integers, enums and bools map to number().
  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  void field(std::string_view name, T& value) {
    std::uint64_t wide = 0;
    if constexpr (std::is_enum_v<T>) {
      wide = static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<std::underlying_type_t<T>>>(value));
    } else if constexpr (std::is_same_v<T, bool>) {
      wide = value;
    } else {
      wide = static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<T>>(value));
    }
    number(name, wide, std::is_same_v<T, bool> ? 1 : 8 * sizeof(T));
    if (loading()) value = static_cast<T>(wide);
  }
  void field(std::string_view name, Tick& t) { field(name, t.value); }
  void field(std::string_view name, VirtualNs& t) { field(name, t.value); }
  template <std::size_t N>
  void field(std::string_view name, std::array<std::uint8_t, N>& value) {
    bytes(name, value);
  }
  template <class T, std::size_t N>
    requires(!std::same_as<T, std::uint8_t>)
  void field(std::string_view name, std::array<T, N>& value) {
    for (std::size_t i = 0; i < N; ++i) field(std::string(name) + "[" + std::to_string(i) + "]", value[i]);
  }
  /// A sequence (vector or deque) of up to `limit` elements; `each(visitor, element)` visits one.
  template <class Sequence, class Each>
  void list(std::string_view name, Sequence& items, std::size_t limit, Each each) {
    std::uint64_t count = items.size();
    enter(name);
    number("count", count, 64);
    if (loading()) {
      if (count > limit) {
        fail("a list is longer than its limit");
        count = 0;
      }
      items.clear();
      items.resize(count);
    }
    std::size_t index = 0;
    for (auto& item : items) {
      enter(std::to_string(index++));
      each(*this, item);
      leave();
    }
    leave();
  }
};

/// Something with state that survives: every device, the CPU, the clock.
class Stateful {
 public:
  virtual ~Stateful() = default;
  /// Visits every field that the future depends on, always in the same order. The visitor may change them (load).
  virtual void visit(StateVisitor& visitor) = 0;
  /// Called once after a load: recompute what is derived from the fields (lines, mappings, alarms stay as loaded).
  virtual void loaded() {}
};

/// Opens a section for the life of a scope.
class Section {
 public:
  Section(StateVisitor& visitor, std::string_view name) : visitor_(visitor) { visitor_.enter(name); }
  ~Section() { visitor_.leave(); }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

 private:
  StateVisitor& visitor_;
};

}  // namespace lockstitch
