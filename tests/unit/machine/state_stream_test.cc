// Saving, loading, comparing, printing and hashing go through one list of fields.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "lockstitch/cpu_state.h"
#include "vmm/machine/state_comparer.h"
#include "vmm/machine/state_hasher.h"
#include "vmm/machine/state_printer.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;

namespace {

enum class Colour : std::uint8_t { red, green };

/// One field of every sort.
struct Sample final : Stateful {
  struct Entry {
    std::uint32_t key = 0;
    bool used = false;
  };

  void visit(StateVisitor& v) override {
    v.field("flag", flag);
    v.field("byte", byte);
    v.field("minus", minus);
    v.field("wide", wide);
    v.field("colour", colour);
    if (v.loading() && colour > Colour::green) v.fail("no such colour");
    {
      Section section(v, "inner");
      v.field("when", when);
      v.field("registers", registers);
      v.field("words", words);
    }
    v.blob("queue", queue, 100);
    v.list("entries", entries, 4, [](StateVisitor& each, Entry& entry) {
      each.field("key", entry.key);
      each.field("used", entry.used);
    });
  }
  void loaded() override { ++loads; }

  bool flag = true;
  std::uint8_t byte = 0x12;
  std::int16_t minus = -2;
  std::uint64_t wide = 0x0123'4567'89ab'cdef;
  Colour colour = Colour::green;
  Tick when{77};
  std::array<std::uint8_t, 5> registers{1, 2, 3, 4, 5};
  std::array<std::uint16_t, 2> words{0xaaaa, 0xbbbb};
  std::vector<std::uint8_t> queue = std::vector<std::uint8_t>(3, 9);
  std::deque<Entry> entries{{5, true}, {6, false}};
  unsigned loads = 0;
};

/// Changes one bit of the nth field it meets.
class Flipper final : public StateVisitor {
 public:
  explicit Flipper(unsigned target) : target_(target) {}
  bool hit() const { return seen_ > target_; }

  void enter(std::string_view) override {}
  void leave() override {}
  void number(std::string_view name, std::uint64_t& value, unsigned bits) override {
    if (seen_++ == target_) {
      value ^= 1ull << (bits - 1 < 3 ? 0 : bits - 1);
      where = name;
    }
  }
  void bytes(std::string_view name, MutableBytes value) override {
    if (seen_++ == target_) {
      value.back() ^= 0x80;
      where = name;
    }
  }
  void blob(std::string_view name, std::vector<std::uint8_t>& value, std::size_t) override {
    if (seen_++ == target_) {
      value.push_back(0);
      where = name;
    }
  }
  bool loading() const override { return true; }
  void fail(std::string_view) override {}

  std::string where;

 private:
  unsigned target_;
  unsigned seen_ = 0;
};

unsigned long seed_of_run() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoul(text, nullptr, 0) : 20240601;
}

}  // namespace

TEST_CASE("what is saved is what is loaded") {
  Sample original;
  original.minus = -12345;
  original.queue.clear();
  original.entries.push_back({0xffff'ffff, true});
  Sample copy;
  REQUIRE(load_state(copy, save_state(original)).ok());
  CHECK(copy.minus == -12345);
  CHECK(copy.queue.empty());
  CHECK(copy.entries.size() == 3);
  CHECK(copy.entries[2].key == 0xffff'ffff);
  CHECK(copy.loads == 1);
  CHECK(save_state(copy) == save_state(original));
  CHECK(hash_state(copy) == hash_state(original));
}

TEST_CASE("the hash is that of the written stream") {
  Sample sample;
  CHECK(hash_state(sample) == hash_bytes(save_state(sample)));
}

TEST_CASE("any changed field changes the hash and is named by the comparison") {
  unsigned fields = 0;
  for (;; ++fields) {
    Sample original;
    Sample changed;
    Flipper flipper(fields);
    Flipper none(~0u);
    changed.visit(flipper);
    original.visit(none);  // a loading visitor makes list entries anew
    if (!flipper.hit()) break;
    CAPTURE(flipper.where);
    CHECK(!(hash_state(original) == hash_state(changed)));
    const auto difference = first_difference({5}, save_state(original), save_state(changed));
    REQUIRE(difference.has_value());
    CHECK(difference->component.find(flipper.where) != std::string::npos);
    CHECK(difference->tick == Tick{5});
  }
  CHECK(fields >= 14);
}

TEST_CASE("any changed field of a CPU changes the hash") {
  struct Cpu final : Stateful {
    CpuState state;
    void visit(StateVisitor& v) override { state.visit(v); }
  };
  unsigned fields = 0;
  for (;; ++fields) {
    Cpu original;
    Cpu changed;
    Flipper flipper(fields);
    changed.visit(flipper);
    if (!flipper.hit()) break;
    CAPTURE(flipper.where);
    CHECK(!(hash_state(original) == hash_state(changed)));
  }
  CHECK(fields > 100);
}

TEST_CASE("the comparison names the path and shows both values") {
  Sample a;
  Sample b;
  b.words[1] = 0x1234;
  const auto difference = first_difference({9}, save_state(a), save_state(b));
  REQUIRE(difference.has_value());
  CHECK(difference->component == "inner/words[1]");
  CHECK(difference->expected == "number words[1] (16 bits) = 0xbbbb");
  CHECK(difference->got == "number words[1] (16 bits) = 0x1234");
  CHECK(!first_difference({9}, save_state(a), save_state(a)).has_value());
}

TEST_CASE("the comparison survives damaged and shorter streams") {
  Sample sample;
  auto whole = save_state(sample);
  auto cut = whole;
  cut.resize(cut.size() / 2);
  CHECK(first_difference({}, whole, cut).has_value());
  CHECK(first_difference({}, cut, whole).has_value());
  CHECK(first_difference({}, whole, {})->got == "end of the state");
  CHECK(first_difference({}, std::vector<std::uint8_t>{0xff}, std::vector<std::uint8_t>{0xff})->got == "damaged state");
}

TEST_CASE("the reader names the first mismatch by its path") {
  struct Other final : Stateful {
    void visit(StateVisitor& v) override {
      Section section(v, "board");
      v.field("ticks", value);
      if (wrong_name) v.field("other", value);
      if (wrong_bits) v.field("count", byte);
      if (!wrong_name && !wrong_bits) v.field("count", value);
    }
    bool wrong_name = false;
    bool wrong_bits = false;
    std::uint32_t value = 1;
    std::uint8_t byte = 1;
  };
  Other writer;
  const auto saved = save_state(writer);
  Other reader;
  reader.wrong_name = true;
  CHECK(load_state(reader, saved).error().text ==
        "the saved state does not fit this machine: board/other: found number count (32 bits) = 0x1 instead");
  reader.wrong_name = false;
  reader.wrong_bits = true;
  CHECK(load_state(reader, saved).error().text ==
        "the saved state does not fit this machine: board/count: has 32 bits instead of 8");
}

TEST_CASE("bytes left over, a refused value and an overlong blob or list fail the load") {
  Sample sample;
  auto longer = save_state(sample);
  longer.push_back(static_cast<std::uint8_t>(StateTag::leave));
  Sample target;
  CHECK(!load_state(target, longer).ok());
  CHECK(target.loads == 0);

  Sample bad_colour;
  bad_colour.colour = static_cast<Colour>(7);
  CHECK(load_state(target, save_state(bad_colour)).error().text.find("no such colour") != std::string::npos);

  struct BigBlob final : Stateful {
    explicit BigBlob(std::size_t blob_limit) : limit(blob_limit) {}
    void visit(StateVisitor& v) override { v.blob("data", data, limit); }
    std::vector<std::uint8_t> data = std::vector<std::uint8_t>(50, 1);
    std::size_t limit;
  };
  BigBlob roomy(100);
  BigBlob narrow(49);
  CHECK(!load_state(narrow, save_state(roomy)).ok());

  Sample many;
  StateWriter writer;
  writer.list("entries", many.entries, 4, [](StateVisitor&, Sample::Entry&) {});
  struct OneList final : Stateful {
    void visit(StateVisitor& v) override {
      v.list("entries", items, 1, [](StateVisitor&, int&) {});
    }
    std::vector<int> items;
  } one;
  CHECK(!load_state(one, writer.written()).ok());
}

TEST_CASE("truncated, damaged and random bytes are refused without harm") {
  const unsigned long seed = seed_of_run();
  INFO("repeat with LOCKSTITCH_SEED=", seed);
  std::mt19937_64 random(seed);
  Sample sample;
  const auto good = save_state(sample);
  for (std::size_t length = 0; length < good.size(); ++length) {
    Sample target;
    CHECK(!load_state(target, Bytes(good).first(length)).ok());
  }
  for (unsigned round = 0; round < 20'000; ++round) {
    auto damaged = good;
    for (unsigned i = 0; i <= round % 3; ++i) damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    Sample target;
    const bool loaded = load_state(target, damaged).ok();
    if (loaded) CHECK(save_state(target) == damaged);
    if (damaged != good) CHECK(first_difference({}, good, damaged).has_value());
  }
  for (unsigned round = 0; round < 20'000; ++round) {
    std::vector<std::uint8_t> noise(random() % 40);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(round % 2 == 0 ? random() : random() % 8);
    Sample target;
    CHECK(!load_state(target, noise).ok());
  }
}

TEST_CASE("the printer shows names, values and nesting") {
  Sample sample;
  const std::string text = print_state(sample);
  CHECK(text.find("flag = 0x1\n") == 0);
  CHECK(text.find("minus = 0xfffe\n") != std::string::npos);
  CHECK(text.find("inner:\n  when = 0x4d\n  registers = [5] 01 02 03 04 05\n") != std::string::npos);
  CHECK(text.find("entries:\n  count = 0x2\n  0:\n    key = 0x5\n") != std::string::npos);
}
