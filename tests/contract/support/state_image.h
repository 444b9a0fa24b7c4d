// The state of anything Stateful as a list of (path, value) in visiting order: saved, loaded, compared and damaged by
// device tests. Independent of the machine's own visitors, so that a test of a device needs no machine.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lockstitch/assert.h"
#include "lockstitch/state.h"

namespace lockstitch::test {

class StateImage {
 public:
  struct Entry {
    std::string path;
    unsigned bits = 0;  ///< 0: a byte array
    std::uint64_t number = 0;
    std::vector<std::uint8_t> bytes;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> entries;

  /// FNV-1a over paths and values.
  std::uint64_t hash() const {
    std::uint64_t h = 0xcbf2'9ce4'8422'2325;
    auto mix = [&h](std::uint8_t byte) { h = (h ^ byte) * 0x100'0000'01b3; };
    for (const Entry& e : entries) {
      for (char c : e.path) mix(static_cast<std::uint8_t>(c));
      for (int i = 0; i < 8; ++i) mix(static_cast<std::uint8_t>(e.number >> (8 * i)));
      for (std::uint8_t b : e.bytes) mix(b);
      mix(static_cast<std::uint8_t>(e.bytes.size()));
    }
    return h;
  }
};

/// "" if equal, else the first differing path with both values.
inline std::string difference(const StateImage& a, const StateImage& b) {
  auto text = [](const StateImage::Entry& e) {
    if (e.bits != 0) return std::to_string(e.number);
    std::string hex;
    for (std::uint8_t byte : e.bytes) {
      hex += "0123456789abcdef"[byte >> 4];
      hex += "0123456789abcdef"[byte & 15];
      if (hex.size() > 400) return hex + "...";
    }
    return hex;
  };
  for (std::size_t i = 0; i < a.entries.size() && i < b.entries.size(); ++i) {
    const auto &x = a.entries[i], &y = b.entries[i];
    if (x.path != y.path) return "path " + x.path + " against " + y.path;
    if (!(x == y)) return x.path + ": " + text(x) + " against " + text(y);
  }
  if (a.entries.size() != b.entries.size()) return "one image is longer";
  return "";
}

namespace detail {
class PathVisitor : public StateVisitor {
 public:
  void enter(std::string_view section) override {
    marks_.push_back(path_.size());
    path_ += section;
    path_ += '/';
  }
  void leave() override {
    path_.resize(marks_.back());
    marks_.pop_back();
  }

 protected:
  std::string at(std::string_view name) const { return path_ + std::string(name); }

 private:
  std::string path_;
  std::vector<std::size_t> marks_;
};

class Saver final : public PathVisitor {
 public:
  StateImage image;
  std::string error;  ///< a field that breaks the visitor's own contract
  void number(std::string_view name, std::uint64_t& value, unsigned bits) override {
    if (bits == 0 || bits > 64 || (bits < 64 && value >> bits != 0)) error = at(name) + " does not fit";
    image.entries.push_back({at(name), bits, value, {}});
  }
  void bytes(std::string_view name, MutableBytes value) override {
    image.entries.push_back({at(name), 0, 0, {value.begin(), value.end()}});
  }
  void blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) override {
    if (value.size() > limit) error = at(name) + " is longer than its limit";
    image.entries.push_back({at(name), 0, value.size(), value});
  }
  bool loading() const override { return false; }
  void fail(std::string_view why) override { error = why; }
};

class Loader final : public PathVisitor {
 public:
  explicit Loader(const StateImage& image) : image_(image) {}
  std::string error;
  void number(std::string_view name, std::uint64_t& value, unsigned bits) override {
    if (const auto* e = next(name)) value = bits < 64 ? e->number & ((std::uint64_t{1} << bits) - 1) : e->number;
  }
  void bytes(std::string_view name, MutableBytes value) override {
    const auto* e = next(name);
    if (e == nullptr) return;
    if (e->bytes.size() != value.size()) return fail("a byte array has another length");
    std::copy(e->bytes.begin(), e->bytes.end(), value.begin());
  }
  void blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t limit) override {
    const auto* e = next(name);
    if (e == nullptr) return;
    if (e->bytes.size() > limit) return fail("a blob is longer than its limit");
    value = e->bytes;
  }
  bool loading() const override { return true; }
  void fail(std::string_view why) override {
    if (error.empty()) error = why;
  }
  void finish() {
    if (index_ != image_.entries.size()) fail("the image is longer than what was loaded");
  }

 private:
  const StateImage::Entry* next(std::string_view name) {
    if (index_ >= image_.entries.size() || image_.entries[index_].path != at(name)) {
      fail("expected " + at(name));
      return nullptr;
    }
    return &image_.entries[index_++];
  }
  const StateImage& image_;
  std::size_t index_ = 0;
};
}  // namespace detail

/// Fails: asserts when a component visits a value that does not fit its own description.
inline StateImage save(Stateful& what) {
  detail::Saver saver;
  what.visit(saver);
  if (!saver.error.empty()) assertion_failed(__FILE__, __LINE__, saver.error.c_str());
  return std::move(saver.image);
}

/// "" if it was accepted, else why not. Does not call loaded(): the caller does, once everything is loaded.
inline std::string load(Stateful& what, const StateImage& image) {
  detail::Loader loader(image);
  what.visit(loader);
  loader.finish();
  return loader.error;
}

}  // namespace lockstitch::test
