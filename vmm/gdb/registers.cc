// See registers.h.
#include "vmm/gdb/registers.h"

#include <fmt/format.h>

#include <cstring>
#include <functional>

namespace lockstitch::gdb {
namespace {

constexpr std::uint64_t efer_lma = 0x400;
constexpr std::uint32_t attribute_l = 0x2000, attribute_db = 0x4000;
constexpr const char* core = "org.gnu.gdb.i386.core";
constexpr const char* sse = "org.gnu.gdb.i386.sse";
constexpr const char* segments = "org.gnu.gdb.i386.segments";
constexpr const char* system = "org.lockstitch.system";

using Read = std::function<std::string(const CpuState&)>;
using Write = std::function<std::optional<std::string>(CpuState&, std::string_view)>;

struct Row {
  Register shape;
  Read read;
  Write write;
};

std::string bytes_of(std::uint64_t value, unsigned bytes) {
  std::string text(bytes, '\0');
  std::memcpy(text.data(), &value, std::min<std::size_t>(bytes, 8));
  return text;
}

std::uint64_t value_of(std::string_view bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min<std::size_t>(bytes.size(), 8));
  return value;
}

bool is_real(const CpuState& cpu) { return !(cpu.cr0 & 1) || (cpu.rflags & 0x2'0000); }

/// The full x87 tag word from the abridged one (SDM 1 8.1.7): 2 bits for each physical register.
std::uint16_t full_tags(const CpuState& cpu) {
  const unsigned top = cpu.fpu_status >> 11 & 7;
  std::uint16_t tags = 0;
  for (unsigned physical = 0; physical < 8; ++physical) {
    unsigned tag = 3;
    if (cpu.fpu_tag >> physical & 1) {
      const auto& st = cpu.st[(physical - top) & 7];
      std::uint64_t mantissa;
      std::uint16_t exponent;
      std::memcpy(&mantissa, st.data(), 8);
      std::memcpy(&exponent, st.data() + 8, 2);
      exponent &= 0x7fff;
      tag = exponent == 0 && mantissa == 0 ? 1 : exponent == 0 || exponent == 0x7fff || !(mantissa >> 63) ? 2 : 0;
    }
    tags = static_cast<std::uint16_t>(tags | tag << (2 * physical));
  }
  return tags;
}

class Table {
 public:
  explicit Table(CodeMode mode) : mode_(mode) {
    general();
    x87();
    vectors();
    if (mode_ == CodeMode::code64) {
      value("fs_base", segments, "int64", "", 8, [](CpuState& c) -> std::uint64_t& { return c.segment[4].base; });
      value("gs_base", segments, "int64", "", 8, [](CpuState& c) -> std::uint64_t& { return c.segment[5].base; });
    }
    of_system();
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  template <class Field>
  void value(std::string name, const char* feature, std::string type, const char* group, unsigned bytes, Field field) {
    rows_.push_back({{std::move(name), std::move(type), feature, group, bytes},
                     [field, bytes](const CpuState& cpu) { return bytes_of(field(const_cast<CpuState&>(cpu)), bytes); },
                     [field, bytes](CpuState& cpu, std::string_view in) -> std::optional<std::string> {
                       auto& place = field(cpu);
                       // The half that is not shown stays.
                       std::uint64_t all = place;
                       std::memcpy(&all, in.data(), bytes);
                       const auto kept = static_cast<std::remove_reference_t<decltype(place)>>(all);
                       if (kept != all) return fmt::format("it has {} bits", 8 * sizeof place);
                       place = kept;
                       return std::nullopt;
                     }});
  }
  void read_only(std::string name, const char* feature, std::string type, const char* group, unsigned bytes,
                 std::function<std::uint64_t(const CpuState&)> read) {
    rows_.push_back({{std::move(name), std::move(type), feature, group, bytes},
                     [read, bytes](const CpuState& cpu) { return bytes_of(read(cpu), bytes); },
                     [read](CpuState& cpu, std::string_view in) -> std::optional<std::string> {
                       if (value_of(in) == read(cpu)) return std::nullopt;
                       return "it can be read only";
                     }});
  }
  void selector(const char* name, unsigned index) {
    rows_.push_back({{name, "int32", core, "", 4},
                     [index](const CpuState& cpu) { return bytes_of(cpu.segment[index].selector, 4); },
                     [index](CpuState& cpu, std::string_view in) -> std::optional<std::string> {
                       Segment& segment = cpu.segment[index];
                       const std::uint64_t wanted = value_of(in);
                       if (wanted == segment.selector) return std::nullopt;
                       if (!is_real(cpu) || wanted > 0xffff) return "a selector cannot be loaded outside of real mode";
                       segment.selector = static_cast<std::uint16_t>(wanted);
                       segment.base = wanted << 4;
                       return std::nullopt;
                     }});
  }

  void general() {
    const bool wide = mode_ == CodeMode::code64;
    const unsigned bytes = wide ? 8 : 4;
    // gdb's order is not the encoding's.
    static constexpr const char* names64[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"};
    static constexpr unsigned order64[] = {0, 3, 1, 2, 6, 7, 5, 4};
    static constexpr const char* names32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned number = wide ? order64[i] : i;
      const bool pointer = number == 4 || number == 5;
      value(wide ? names64[i] : names32[i], core,
            pointer ? "data_ptr"
            : wide  ? "int64"
                    : "int32",
            "", bytes, [number](CpuState& cpu) -> std::uint64_t& { return cpu.gpr[number]; });
    }
    for (unsigned number = 8; wide && number < 16; ++number) {
      value(fmt::format("r{}", number), core, "int64", "", 8,
            [number](CpuState& cpu) -> std::uint64_t& { return cpu.gpr[number]; });
    }
    rows_.push_back({{wide ? "rip" : "eip", "code_ptr", core, "", bytes},
                     [bytes](const CpuState& cpu) { return bytes_of(program_counter(cpu), bytes); },
                     [bytes](CpuState& cpu, std::string_view in) {
                       std::uint64_t wanted = program_counter(cpu);
                       std::memcpy(&wanted, in.data(), bytes);
                       return set_program_counter(cpu, wanted);
                     }});
    value("eflags", core, "eflags", "", 4, [](CpuState& cpu) -> std::uint64_t& { return cpu.rflags; });
    static constexpr std::pair<const char*, unsigned> selectors[] = {{"cs", 1}, {"ss", 2}, {"ds", 3},
                                                                     {"es", 0}, {"fs", 4}, {"gs", 5}};
    for (const auto& [name, index] : selectors) selector(name, index);
  }

  void x87() {
    for (unsigned i = 0; i < 8; ++i) {
      rows_.push_back(
          {{fmt::format("st{}", i), "i387_ext", core, "", 10},
           [i](const CpuState& cpu) { return std::string(reinterpret_cast<const char*>(cpu.st[i].data()), 10); },
           [i](CpuState& cpu, std::string_view in) -> std::optional<std::string> {
             std::memcpy(cpu.st[i].data(), in.data(), 10);
             return std::nullopt;
           }});
    }
    value("fctrl", core, "int", "float", 4, [](CpuState& cpu) -> std::uint16_t& { return cpu.fpu_control; });
    value("fstat", core, "int", "float", 4, [](CpuState& cpu) -> std::uint16_t& { return cpu.fpu_status; });
    read_only("ftag", core, "int", "float", 4, full_tags);
    // The last instruction's addresses are not kept (as on processors that deprecate them).
    for (const char* name : {"fiseg", "fioff", "foseg", "fooff", "fop"}) {
      read_only(name, core, "int", "float", 4, [](const CpuState&) { return 0; });
    }
  }

  void vectors() {
    for (unsigned i = 0; i < (mode_ == CodeMode::code64 ? 16 : 8); ++i) {
      rows_.push_back(
          {{fmt::format("xmm{}", i), "vec128", sse, "", 16},
           [i](const CpuState& cpu) { return std::string(reinterpret_cast<const char*>(cpu.xmm[i].data()), 16); },
           [i](CpuState& cpu, std::string_view in) -> std::optional<std::string> {
             std::memcpy(cpu.xmm[i].data(), in.data(), 16);
             return std::nullopt;
           }});
    }
    value("mxcsr", sse, "i386_mxcsr", "vector", 4, [](CpuState& cpu) -> std::uint32_t& { return cpu.mxcsr; });
  }

  template <class Field>
  void word(std::string name, std::string type, Field field) {
    value(std::move(name), system, std::move(type), "system", 8, field);
  }

  void of_system() {
    word("cr0", "cr0_flags", [](CpuState& cpu) -> std::uint64_t& { return cpu.cr0; });
    word("cr2", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.cr2; });
    word("cr3", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.cr3; });
    word("cr4", "cr4_flags", [](CpuState& cpu) -> std::uint64_t& { return cpu.cr4; });
    word("efer", "efer_flags", [](CpuState& cpu) -> std::uint64_t& { return cpu.efer; });
    static constexpr const char* names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
    for (unsigned i = 0; i < segment_count; ++i) {
      const std::string name = names[i];
      // fs_base and gs_base have a place of their own in 64-bit code.
      if (mode_ != CodeMode::code64 || (i != 4 && i != 5)) {
        word(name + "_base", "uint64", [i](CpuState& cpu) -> std::uint64_t& { return cpu.segment[i].base; });
      }
      word(name + "_limit", "uint64", [i](CpuState& cpu) -> std::uint32_t& { return cpu.segment[i].limit; });
      word(name + "_attributes", "uint64", [i](CpuState& cpu) -> std::uint32_t& { return cpu.segment[i].attributes; });
    }
    for (unsigned i : {6u, 7u}) {
      read_only(names[i], system, "uint64", "system", 8, [i](const CpuState& cpu) { return cpu.segment[i].selector; });
    }
    word("gdtr_base", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.gdtr.base; });
    word("gdtr_limit", "uint64", [](CpuState& cpu) -> std::uint16_t& { return cpu.gdtr.limit; });
    word("idtr_base", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.idtr.base; });
    word("idtr_limit", "uint64", [](CpuState& cpu) -> std::uint16_t& { return cpu.idtr.limit; });
    for (unsigned i : {0u, 1u, 2u, 3u, 6u, 7u}) {
      word(fmt::format("dr{}", i), "uint64", [i](CpuState& cpu) -> std::uint64_t& { return cpu.dr[i]; });
    }
    word("k_gs_base", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.kernel_gs_base; });
    word("star", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.star; });
    word("lstar", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.lstar; });
    word("fmask", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.fmask; });
    word("sysenter_eip", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.sysenter_eip; });
    word("sysenter_esp", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.sysenter_esp; });
    word("tsc_offset", "uint64", [](CpuState& cpu) -> std::uint64_t& { return cpu.tsc_offset; });
  }

  const CodeMode mode_;
  std::vector<Row> rows_;
};

const std::vector<Row>& rows(CodeMode mode) {
  static const Table tables[] = {Table(CodeMode::code16), Table(CodeMode::code32), Table(CodeMode::code64)};
  return tables[static_cast<unsigned>(mode)].rows();
}

struct Bit {
  const char* name;
  unsigned at, to = at;
};

std::string flags(const char* id, unsigned bytes, std::initializer_list<Bit> bits) {
  std::string text = fmt::format("<flags id=\"{}\" size=\"{}\">", id, bytes);
  for (const Bit& bit : bits)
    text += fmt::format("<field name=\"{}\" start=\"{}\" end=\"{}\"/>", bit.name, bit.at, bit.to);
  return text + "</flags>";
}

std::string types_of(std::string_view feature) {
  if (feature == core) {
    return flags("eflags", 4,
                 {{"CF", 0},
                  {"", 1},
                  {"PF", 2},
                  {"AF", 4},
                  {"ZF", 6},
                  {"SF", 7},
                  {"TF", 8},
                  {"IF", 9},
                  {"DF", 10},
                  {"OF", 11},
                  {"IOPL", 12, 13},
                  {"NT", 14},
                  {"RF", 16},
                  {"VM", 17},
                  {"AC", 18},
                  {"VIF", 19},
                  {"VIP", 20},
                  {"ID", 21}});
  }
  if (feature == sse) {
    return "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
           "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
           "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
           "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
           "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
           "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
           "<field name=\"uint128\" type=\"uint128\"/></union>" +
           flags("i386_mxcsr", 4,
                 {{"IE", 0},
                  {"DE", 1},
                  {"ZE", 2},
                  {"OE", 3},
                  {"UE", 4},
                  {"PE", 5},
                  {"DAZ", 6},
                  {"IM", 7},
                  {"DM", 8},
                  {"ZM", 9},
                  {"OM", 10},
                  {"UM", 11},
                  {"PM", 12},
                  {"FZ", 15}});
  }
  if (feature == system) {
    return flags("cr0_flags", 8,
                 {{"PE", 0},
                  {"MP", 1},
                  {"EM", 2},
                  {"TS", 3},
                  {"ET", 4},
                  {"NE", 5},
                  {"WP", 16},
                  {"AM", 18},
                  {"NW", 29},
                  {"CD", 30},
                  {"PG", 31}}) +
           flags("cr4_flags", 8,
                 {{"VME", 0},
                  {"PVI", 1},
                  {"TSD", 2},
                  {"DE", 3},
                  {"PSE", 4},
                  {"PAE", 5},
                  {"MCE", 6},
                  {"PGE", 7},
                  {"PCE", 8},
                  {"OSFXSR", 9},
                  {"OSXMMEXCPT", 10},
                  {"UMIP", 11},
                  {"FSGSBASE", 16},
                  {"SMEP", 20},
                  {"SMAP", 21}}) +
           flags("efer_flags", 8, {{"SCE", 0}, {"LME", 8}, {"LMA", 10}, {"NXE", 11}});
  }
  return "";
}

}  // namespace

CodeMode code_mode(const CpuState& cpu) {
  const std::uint32_t attributes = cpu.segment[unsigned(SegmentName::cs)].attributes;
  if ((cpu.efer & efer_lma) && (attributes & attribute_l)) return CodeMode::code64;
  return !is_real(cpu) && (attributes & attribute_db) ? CodeMode::code32 : CodeMode::code16;
}

unsigned bits(CodeMode mode) { return 16u << static_cast<unsigned>(mode); }

std::uint64_t program_counter(const CpuState& cpu) {
  const std::uint64_t base = cpu.segment[unsigned(SegmentName::cs)].base;
  return code_mode(cpu) == CodeMode::code64 ? cpu.rip : (base + cpu.rip) & 0xffff'ffff;
}

std::optional<std::string> set_program_counter(CpuState& cpu, std::uint64_t linear) {
  const Segment& code = cpu.segment[unsigned(SegmentName::cs)];
  if (code_mode(cpu) == CodeMode::code64) {
    const auto extended = static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16);
    if (extended != linear) return "the address is not canonical";
    cpu.rip = linear;
    return std::nullopt;
  }
  const std::uint64_t offset = (linear - code.base) & 0xffff'ffff;
  if (linear >> 32 || offset > code.limit) return "the address is outside of the code segment";
  cpu.rip = offset;
  return std::nullopt;
}

const std::vector<Register>& registers(CodeMode mode) {
  static const auto make = [](CodeMode of) {
    std::vector<Register> shapes;
    for (const Row& row : rows(of)) shapes.push_back(row.shape);
    return shapes;
  };
  static const std::vector<Register> all[] = {make(CodeMode::code16), make(CodeMode::code32), make(CodeMode::code64)};
  return all[static_cast<unsigned>(mode)];
}

std::string target_description(CodeMode mode) {
  static constexpr const char* architectures[] = {"i8086", "i386", "i386:x86-64"};
  std::string text = "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>";
  text += fmt::format("<architecture>{}</architecture>", architectures[static_cast<unsigned>(mode)]);
  std::string feature;
  for (const Register& one : registers(mode)) {
    if (one.feature != feature) {
      if (!feature.empty()) text += "</feature>";
      feature = one.feature;
      text += fmt::format("<feature name=\"{}\">{}", feature, types_of(feature));
    }
    text += fmt::format("<reg name=\"{}\" bitsize=\"{}\" type=\"{}\"", one.name, one.bytes * 8, one.type);
    if (!one.group.empty()) text += fmt::format(" group=\"{}\"", one.group);
    text += "/>";
  }
  return text + "</feature></target>";
}

std::string read_register(const CpuState& cpu, CodeMode mode, unsigned number) { return rows(mode)[number].read(cpu); }

std::optional<std::string> write_register(CpuState& cpu, CodeMode mode, unsigned number, std::string_view bytes) {
  const Row& row = rows(mode)[number];
  if (bytes.size() != row.shape.bytes) return "it has another width";
  return row.write(cpu, bytes);
}

}  // namespace lockstitch::gdb
