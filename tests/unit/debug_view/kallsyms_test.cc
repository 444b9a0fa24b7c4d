// A kernel made by hand in a guest's memory: where it is, what it calls itself, and its own table of symbols.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/interp/rig.h"
#include "vmm/debug/linux_guest.h"

namespace lockstitch::test {
namespace {

using debug::find_linux;
using debug::read_kallsyms;
using debug::SymbolTable;

constexpr std::uint64_t linked_at = 0xffff'ffff'8100'0000, large_page = 2 << 20;
constexpr Gpa tables_gpa = 0x1000, kernel_gpa = large_page;
constexpr std::size_t kernel_pages = 2;  ///< Unit: large pages
constexpr const char* banner = "Linux version 6.1.0 (somebody) (gcc) #7 SMP 2026";

struct Shape {
  std::uint64_t text_base = linked_at;
  bool several_cpus = true;
  bool table_between = false;  ///< behind the markers, as later kernels have
  std::size_t symbols = 3000;
  std::string text = std::string("Linux version 6.1.0 (somebody) (gcc) # SMP 2026\n") + '\0' + banner + "\n";
};

/// The memory of a guest, and a CPU in it, with what scripts/kallsyms.c of Linux 6.1 would have put into the kernel.
class Guest {
 public:
  explicit Guest(const Shape& shape) : memory(kernel_gpa + kernel_pages * large_page), shape_(shape) {
    image_.resize(0x10'0000);
    std::copy(shape.text.begin(), shape.text.end(), image_.begin() + 0x8000);
    make_symbols();
    make_tables();
    memory.write(kernel_gpa, image_);
    const auto index = [&](unsigned shift) { return (shape.text_base >> shift & 511) * 8; };
    put64(tables_gpa + index(39), (tables_gpa + 0x1000) | 3);
    put64(tables_gpa + 0x1000 + index(30), (tables_gpa + 0x2000) | 3);
    for (std::size_t i = 0; i < kernel_pages; ++i) {
      put64(tables_gpa + 0x2000 + index(21) + 8 * i, (kernel_gpa + i * large_page) | 0x83);
    }
    cpu.cr0 = 0x8000'0011;
    cpu.cr3 = tables_gpa;
    cpu.cr4 = 0x20;
    cpu.efer = 0xd01;
    cpu.lstar = shape.text_base + large_page + 0x80;  // in its second page
  }

  void put64(Gpa at, std::uint64_t value) {
    std::uint8_t raw[8];
    std::memcpy(raw, &value, 8);
    memory.write(at, raw);
  }

  RigMemory memory;
  CpuState cpu;
  std::vector<SymbolTable::Symbol> expected;
  std::size_t base_at = 0, markers_at = 0, index_at = 0;  ///< in the image

 private:
  struct Named {
    std::int32_t offset = 0;
    std::string name;  ///< type in front
  };

  void make_symbols() {
    if (shape_.several_cpus) {
      for (int i = 0; i < 20; ++i) named_.push_back({i * 64, "Apercpu_" + std::to_string(i)});
    }
    for (std::size_t i = 0; i < shape_.symbols; ++i) {
      const auto place = static_cast<std::int32_t>(i * 48);
      std::string name = std::string(1, "Ttd"[i % 3]) + "do_name_" + std::to_string(i);
      if (i == 77) name += "." + std::string(200, 'x');  // its length takes two bytes
      expected.push_back({shape_.text_base + static_cast<std::uint64_t>(place), name[0], name.substr(1)});
      named_.push_back({shape_.several_cpus ? -1 - place : place, name});
    }
  }

  template <class T>
  void put(const T& value) {
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
    std::copy(raw, raw + sizeof value, image_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += sizeof value;
  }
  void align() { at_ = (at_ + 7) & ~std::size_t{7}; }

  void make_tables() {
    // Two codes stand for more than one letter; all others for themselves, if they are used at all.
    std::array<std::string, 256> token;
    for (unsigned i = 0; i < 128; ++i) token[i] = std::string(1, static_cast<char>(i == 0 ? '?' : i));
    for (unsigned i = 128; i < 256; ++i) token[i] = "t" + std::to_string(i);
    token[200] = "do_";
    token[201] = "name_";

    at_ = 0x2'0000;
    for (const Named& one : named_) put(one.offset);
    align();
    base_at = at_;
    put(shape_.text_base);
    put(static_cast<std::uint64_t>(named_.size()));
    std::vector<std::uint32_t> markers;
    const std::size_t names_at = at_;
    for (std::size_t i = 0; i < named_.size(); ++i) {
      if (i % 256 == 0) markers.push_back(static_cast<std::uint32_t>(at_ - names_at));
      std::string coded = named_[i].name;
      for (const unsigned code : {200u, 201u}) {
        if (const std::size_t found = coded.find(token[code]); found != std::string::npos) {
          coded.replace(found, token[code].size(), 1, static_cast<char>(code));
        }
      }
      if (coded.size() < 128) {
        put(static_cast<std::uint8_t>(coded.size()));
      } else {
        put(static_cast<std::uint8_t>((coded.size() & 0x7f) | 0x80));
        put(static_cast<std::uint8_t>(coded.size() >> 7));
      }
      for (const char c : coded) put(c);
    }
    align();
    markers_at = at_;
    for (const std::uint32_t marker : markers) put(marker);
    align();
    if (shape_.table_between) {
      for (std::size_t i = 0; i < named_.size() * 3; ++i) put(static_cast<std::uint8_t>(i * 7));
      align();
    }
    const std::size_t tokens_at = at_;
    std::array<std::uint16_t, 256> index{};
    for (unsigned i = 0; i < 256; ++i) {
      index[i] = static_cast<std::uint16_t>(at_ - tokens_at);
      for (const char c : token[i]) put(c);
      put('\0');
    }
    align();
    index_at = at_;
    put(index);
  }

  const Shape shape_;
  std::vector<Named> named_;
  std::vector<std::uint8_t> image_;
  std::size_t at_ = 0;
};

void check_all(const Guest& guest, const SymbolTable& table) {
  REQUIRE(table.size() == guest.expected.size());
  for (std::size_t i = 0; i < guest.expected.size(); ++i) {
    REQUIRE(table.symbols()[i].address == guest.expected[i].address);
    REQUIRE(table.symbols()[i].type == guest.expected[i].type);
    REQUIRE(table.symbols()[i].name == guest.expected[i].name);
  }
}

std::string refusal(Guest& guest) {
  const auto table = read_kallsyms(guest.cpu, guest.memory);
  REQUIRE_FALSE(table.ok());
  return table.error().text;
}

}  // namespace

TEST_CASE("a kernel is found where KASLR put it, and says its version with the number of its build") {
  for (const std::uint64_t offset : {0ull, 0x2260'0000ull}) {
    Shape shape;
    shape.text_base += offset;
    Guest guest(shape);
    const auto kernel = find_linux(guest.cpu, guest.memory);
    REQUIRE(kernel.ok());
    CHECK(kernel.value().text_base == linked_at + offset);
    CHECK(kernel.value().offset == offset);
    CHECK(kernel.value().banner == banner);
  }
}

TEST_CASE("a place holder is the banner when there is no other") {
  Shape shape;
  shape.text = "Linux version 5.10 (somebody) # SMP\n";
  Guest guest(shape);
  const auto kernel = find_linux(guest.cpu, guest.memory);
  REQUIRE(kernel.ok());
  CHECK(kernel.value().banner == "Linux version 5.10 (somebody) # SMP");
}

TEST_CASE("all symbols are read out of memory, of kernels for several CPUs and for one, and with a table between") {
  for (const bool several : {true, false}) {
    for (const bool between : {true, false}) {
      Shape shape;
      shape.text_base += 0x360'0000;
      shape.several_cpus = several;
      shape.table_between = between;
      Guest guest(shape);
      const auto table = read_kallsyms(guest.cpu, guest.memory);
      REQUIRE(table.ok());
      check_all(guest, table.value());
    }
  }
}

TEST_CASE("what is no Linux kernel is said, not guessed") {
  Guest guest({});
  guest.cpu.lstar = 0x1000;
  CHECK(refusal(guest) == "This is no 64-bit Linux kernel at work: LSTAR does not point into a kernel's text.");
  guest.cpu.lstar = linked_at + 0x1000'0000;
  CHECK(refusal(guest) ==
        "This is no 64-bit Linux kernel at work: its system call entry is not mapped in this address space.");
  Shape shape;
  shape.text = "Linux, another version";
  Guest other(shape);
  CHECK(refusal(other) == "This is no 64-bit Linux kernel at work: there is no version text in its image.");
}

TEST_CASE("a table of symbols that is damaged is not found, and the sentence says what to do") {
  const std::function<void(Guest&)> damages[] = {
      [](Guest& guest) { guest.put64(kernel_gpa + guest.base_at, 0); },
      [](Guest& guest) { guest.put64(kernel_gpa + guest.base_at + 8, ~0ull); },
      [](Guest& guest) { guest.put64(kernel_gpa + guest.index_at + 8, 0); },
      [](Guest& guest) { guest.memory.write(kernel_gpa + guest.base_at + 16, std::vector<std::uint8_t>(64)); },
  };
  for (const auto& damage : damages) {
    Guest guest({});
    damage(guest);
    const std::string text = refusal(guest);
    INFO(text);
    CHECK(text.starts_with(std::string("No table of symbols was found in the memory of ") + banner));
    CHECK(text.ends_with("System.map with offset 0x0."));
  }
}

TEST_CASE("whatever lies in memory, looking for a kernel ends") {
  const char* const text = std::getenv("LOCKSTITCH_SEED");
  const std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 0) : 1;
  INFO("LOCKSTITCH_SEED=", seed);
  std::mt19937_64 random(seed);
  Shape shape;
  shape.table_between = true;
  Guest guest(shape);
  const std::vector<std::uint8_t> whole = guest.memory.bytes();
  unsigned found = 0;
  for (unsigned round = 0; round < 100; ++round) {
    guest.memory.write(0, whole);
    for (unsigned i = 0; i < 1 + round % 4; ++i) {
      const bool head = round % 2;
      const std::size_t begin = head ? guest.base_at : 0x2'0000, end = head ? guest.base_at + 64 : guest.index_at + 512;
      guest.memory.write(
          kernel_gpa + begin + random() % (end - begin),
          std::vector<std::uint8_t>(1 + random() % 8, static_cast<std::uint8_t>(random() % 2 ? 0xff : random())));
    }
    found += read_kallsyms(guest.cpu, guest.memory).ok();
  }
  CHECK(found > 0);
  CHECK(found < 100);
}

}  // namespace lockstitch::test
