// What gdb is told of registers, and that their values are where it says.
#include "vmm/gdb/registers.h"

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <set>

#include "tests/unit/gdb/scripted_wire.h"

using namespace lockstitch;
using namespace lockstitch::gdb;
using namespace lockstitch::test;

namespace {

constexpr CodeMode modes[] = {CodeMode::code16, CodeMode::code32, CodeMode::code64};

struct Described {
  std::string name, type, feature;
  unsigned bits;
};

std::string attribute(std::string_view element, const std::string& name) {
  const std::size_t at = element.find(" " + name + "=\"");
  if (at == element.npos) return "";
  const std::size_t from = at + name.size() + 3;
  return std::string(element.substr(from, element.find('"', from) - from));
}

/// The registers of a description, in its order.
std::vector<Described> described(CodeMode mode) {
  const std::string xml = target_description(mode);
  std::vector<Described> all;
  std::string feature;
  for (std::size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at + 1)) {
    const std::string_view element = std::string_view(xml).substr(at, xml.find('>', at) - at);
    if (element.starts_with("<feature ")) feature = attribute(element, "name");
    if (element.starts_with("<reg ")) {
      all.push_back({attribute(element, "name"), attribute(element, "type"), feature,
                     static_cast<unsigned>(std::stoul(attribute(element, "bitsize")))});
    }
  }
  return all;
}

unsigned number_of(CodeMode mode, const std::string& name) {
  const auto& all = registers(mode);
  for (unsigned i = 0; i < all.size(); ++i) {
    if (all[i].name == name) return i;
  }
  FAIL("no register " << name);
  return 0;
}

std::uint64_t value(const CpuState& cpu, CodeMode mode, const std::string& name) {
  const std::string bytes = read_register(cpu, mode, number_of(mode, name));
  std::uint64_t all = 0;
  std::memcpy(&all, bytes.data(), std::min<std::size_t>(bytes.size(), 8));
  return all;
}

std::optional<std::string> set(CpuState& cpu, CodeMode mode, const std::string& name, std::uint64_t wanted) {
  const unsigned number = number_of(mode, name);
  std::string bytes(registers(mode)[number].bytes, '\0');
  std::memcpy(bytes.data(), &wanted, std::min<std::size_t>(bytes.size(), 8));
  return write_register(cpu, mode, number, bytes);
}

CpuState cpu_in(CodeMode mode) {
  CpuState cpu = cpu_at_reset();
  if (mode == CodeMode::code16) return cpu;
  cpu.cr0 |= 1;
  cpu.segment[unsigned(SegmentName::cs)] = {8, 0, 0xffff'ffff, 0xc09bu};
  if (mode == CodeMode::code64) {
    cpu.efer = 0x500;
    cpu.segment[unsigned(SegmentName::cs)].attributes = 0xa09b;
  }
  return cpu;
}

}  // namespace

TEST_CASE("each described register has exactly its bits in the g packet, under its own name") {
  for (const CodeMode mode : modes) {
    CAPTURE(bits(mode));
    const auto all = described(mode);
    REQUIRE(all.size() == registers(mode).size());
    std::size_t bytes = 0;
    std::set<std::string> names;
    for (unsigned i = 0; i < all.size(); ++i) {
      CAPTURE(all[i].name);
      CHECK(all[i].name == registers(mode)[i].name);
      CHECK(all[i].feature == registers(mode)[i].feature);
      CHECK(read_register(CpuState(), mode, i).size() * 8 == all[i].bits);
      CHECK(names.insert(all[i].name).second);
      bytes += all[i].bits / 8;
    }
    FakeTarget target;
    target.state = cpu_in(mode);
    const std::string g = answer(target, {"qRcmd," + hex("mode auto"), "qXfer:features:read:target.xml:0,1000", "g"});
    CHECK(g.size() == 2 * bytes);
  }
}

TEST_CASE("every type that a description uses is gdb's own or defined before") {
  const std::set<std::string> builtin = {"int",     "int8",     "int16",    "int32",       "int64",       "uint64",
                                         "uint128", "code_ptr", "data_ptr", "ieee_single", "ieee_double", "i387_ext"};
  for (const CodeMode mode : modes) {
    const std::string xml = target_description(mode);
    for (std::size_t at = xml.find(" type=\""); at != std::string::npos; at = xml.find(" type=\"", at + 1)) {
      const std::string type = attribute(std::string_view(xml).substr(at), "type");
      CAPTURE(type);
      CHECK((builtin.contains(type) || xml.rfind(" id=\"" + type + "\"", at) != std::string::npos));
    }
  }
}

TEST_CASE("the first registers are in gdb's order for the architecture") {
  const std::map<CodeMode, std::vector<const char*>> orders = {
      {CodeMode::code64, {"rax", "rbx", "rcx", "rdx", "rsi",    "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
                          "r13", "r14", "r15", "rip", "eflags", "cs",  "ss",  "ds",  "es", "fs", "gs",  "st0"}},
      {CodeMode::code32,
       {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags", "cs", "ss", "ds", "es", "fs", "gs",
        "st0"}}};
  for (const auto& [mode, order] : orders) {
    for (unsigned i = 0; i < order.size(); ++i) CHECK(registers(mode)[i].name == order[i]);
  }
  CpuState cpu;
  for (unsigned i = 0; i < 16; ++i) cpu.gpr[i] = i;
  CHECK(value(cpu, CodeMode::code64, "rbx") == unsigned(Gpr::rbx));
  CHECK(value(cpu, CodeMode::code64, "rsp") == unsigned(Gpr::rsp));
  CHECK(value(cpu, CodeMode::code64, "rsi") == unsigned(Gpr::rsi));
  CHECK(value(cpu, CodeMode::code32, "edi") == unsigned(Gpr::rdi));
  CHECK(value(cpu, CodeMode::code64, "r13") == 13);
}

TEST_CASE("a register that can be written holds afterwards what was written, and nothing else has changed") {
  for (const CodeMode mode : modes) {
    for (unsigned number = 0; number < registers(mode).size(); ++number) {
      CAPTURE(registers(mode)[number].name);
      const CpuState before = cpu_in(mode);
      CpuState cpu = before;
      std::string bytes = read_register(cpu, mode, number);
      bytes[0] = static_cast<char>(bytes[0] ^ 2);
      if (write_register(cpu, mode, number, bytes)) {
        for (unsigned i = 0; i < registers(mode).size(); ++i) {
          CHECK(read_register(cpu, mode, i) == read_register(before, mode, i));
        }
        continue;
      }
      CHECK(read_register(cpu, mode, number) == bytes);
      const std::string& name = registers(mode)[number].name;
      // What follows from them: a real-mode selector's base, where CS.base is linear, and tags by the stack's top.
      const bool has_consequences = name.ends_with("s") || name.ends_with("_base") || name == "efer" || name == "cr0" ||
                                    name == "eflags" || name == "cs_attributes" || name == "fstat";
      for (unsigned i = 0; i < registers(mode).size() && !has_consequences; ++i) {
        if (i != number) CHECK(read_register(cpu, mode, i) == read_register(before, mode, i));
      }
    }
  }
}

TEST_CASE("a value of another width is refused") {
  CpuState cpu;
  CHECK(write_register(cpu, CodeMode::code64, 0, "1234567").has_value());
  CHECK(write_register(cpu, CodeMode::code64, 0, "123456789").has_value());
  CHECK(set(cpu, CodeMode::code64, "gdtr_limit", 0x10000).has_value());
  CHECK(cpu.gdtr.limit == 0);
  CHECK_FALSE(set(cpu, CodeMode::code64, "gdtr_limit", 0xffff).has_value());
}

TEST_CASE("32-bit names leave the upper halves alone") {
  CpuState cpu = cpu_in(CodeMode::code64);
  cpu.gpr[0] = 0x1111'1111'2222'2222;
  CHECK_FALSE(set(cpu, CodeMode::code32, "eax", 0x33333333).has_value());
  CHECK(cpu.gpr[0] == 0x1111'1111'3333'3333);
  cpu.rip = 0xffff'ffff'8100'0000;
  CHECK_FALSE(set(cpu, CodeMode::code32, "eip", 0x8200'0000).has_value());
  CHECK(cpu.rip == 0xffff'ffff'8200'0000);
}

TEST_CASE("the mode is what CS says, under the mode that the CPU is in") {
  for (const CodeMode mode : modes) CHECK(code_mode(cpu_in(mode)) == mode);
  CpuState unreal = cpu_at_reset();
  unreal.segment[unsigned(SegmentName::cs)].attributes |= 0x4000;
  CHECK(code_mode(unreal) == CodeMode::code16);
  CpuState compatible = cpu_in(CodeMode::code32);
  compatible.efer = 0x500;
  CHECK(code_mode(compatible) == CodeMode::code32);
  CpuState protected16 = cpu_in(CodeMode::code32);
  protected16.segment[unsigned(SegmentName::cs)].attributes = 0x009b;
  CHECK(code_mode(protected16) == CodeMode::code16);
  CpuState virtual86 = cpu_in(CodeMode::code32);
  virtual86.rflags |= 0x2'0000;
  CHECK(code_mode(virtual86) == CodeMode::code16);
}

TEST_CASE("the program counter is linear in every mode and description") {
  CpuState cpu = cpu_at_reset();
  CHECK(value(cpu, CodeMode::code16, "eip") == 0xffff'fff0);
  CHECK(value(cpu, CodeMode::code64, "rip") == 0xffff'fff0);
  cpu.segment[unsigned(SegmentName::cs)] = {0x7c0, 0x7c00, 0xffff, 0x9b};
  cpu.rip = 0x12;
  CHECK(value(cpu, CodeMode::code16, "eip") == 0x7c12);
  CHECK_FALSE(set(cpu, CodeMode::code16, "eip", 0x7c34).has_value());
  CHECK(cpu.rip == 0x34);
  CHECK(set(cpu, CodeMode::code16, "eip", 0x17c00).has_value());
  CHECK(set(cpu, CodeMode::code64, "rip", 0x1'0000'7c00).has_value());
  CHECK(cpu.rip == 0x34);

  CpuState wide = cpu_in(CodeMode::code64);
  wide.segment[unsigned(SegmentName::cs)].base = 0x5000;  // does not count there
  wide.rip = 0xffff'8000'0000'0000;
  CHECK(value(wide, CodeMode::code64, "rip") == wide.rip);
  CHECK(set(wide, CodeMode::code64, "rip", 0x0000'8000'0000'0000).has_value());
  CHECK_FALSE(set(wide, CodeMode::code64, "rip", 0x0000'7fff'ffff'ffff).has_value());
}

TEST_CASE("selectors are loaded in real mode only, and bring their base") {
  CpuState cpu = cpu_at_reset();
  CHECK_FALSE(set(cpu, CodeMode::code16, "ds", 0x1234).has_value());
  CHECK(cpu.segment[unsigned(SegmentName::ds)].selector == 0x1234);
  CHECK(cpu.segment[unsigned(SegmentName::ds)].base == 0x12340);
  CHECK(set(cpu, CodeMode::code16, "ds", 0x1'0000).has_value());
  CpuState wide = cpu_in(CodeMode::code64);
  CHECK(set(wide, CodeMode::code64, "cs", 0x10).has_value());
  CHECK_FALSE(set(wide, CodeMode::code64, "cs", 8).has_value());  // as it is
  CHECK(set(wide, CodeMode::code64, "tr", 0x40).has_value());
}

TEST_CASE("x87 tags are told in full, by what is in the registers") {
  CpuState cpu;
  cpu.fpu_status = 5 << 11;  // st0 is physical register 5
  cpu.fpu_tag = 0b1110'0001;
  const auto put = [&](unsigned st, std::uint64_t mantissa, std::uint16_t exponent) {
    std::memcpy(cpu.st[st].data(), &mantissa, 8);
    std::memcpy(cpu.st[st].data() + 8, &exponent, 2);
  };
  put(0, 1ull << 63, 0x3fff);  // 5: 1.0
  put(1, 0, 0x8000);           // 6: -0
  put(2, 1ull << 63, 0x7fff);  // 7: infinity
  put(3, 1, 0);                // 0: denormal
  CHECK(value(cpu, CodeMode::code64, "ftag") == (2u << 14 | 1u << 12 | 0u << 10 | 0x3fcu | 2u));
  CHECK(set(cpu, CodeMode::code64, "ftag", 0).has_value());
  CHECK(value(CpuState(), CodeMode::code64, "ftag") == 0xffff);
}
