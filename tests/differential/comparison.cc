// See comparison.h.
#include "tests/differential/comparison.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "tests/differential/exclusions.h"
#include "tests/differential/layout.h"
#include "tests/differential/tolerances.h"

namespace lockstitch::differential {
namespace {

using namespace interp;

constexpr std::uint64_t compared_flags = 0x4'0cd5 | flag::id;
constexpr unsigned lines_max = 12;

const char* const gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}
std::string hex(std::span<const std::uint8_t> bytes) {  // most significant first
  std::string text;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    char two[4];
    std::snprintf(two, sizeof two, "%02x", bytes[i]);
    text += two;
  }
  return text;
}
std::string flags_text(std::uint64_t flags) {
  std::string text;
  const auto put = [&](std::uint64_t bit, const char* name) {
    if (flags & bit) text += text.empty() ? name : std::string(" ") + name;
  };
  put(flag::cf, "CF"), put(flag::pf, "PF"), put(flag::af, "AF"), put(flag::zf, "ZF"), put(flag::sf, "SF"), put(flag::of, "OF");
  put(flag::df, "DF"), put(flag::ac, "AC"), put(flag::id, "ID");
  return text.empty() ? "-" : text;
}
std::string end_text(const Outcome& o) {
  if (!o.trouble.empty()) return o.trouble;
  if (!o.exception) return "retired";
  static const char* const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",
                                      "#TS", "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC", "#MC", "#XM"};
  char text[80];
  std::snprintf(text, sizeof text, "%s(%x)", o.vector < 20 ? names[o.vector] : "?", o.error_code);
  std::string all = text;
  if (o.vector == 14) all += " at " + hex(o.fault_address);
  return all;
}

class Report {
 public:
  void row(const std::string& name, const std::string& before, const std::string& native, const std::string& engine) {
    comparison.equal = false;
    if (++lines_ > lines_max) return;
    comparison.report += "  * " + name + std::string(name.size() < 6 ? 6 - name.size() : 0, ' ') + " before " + before + "  cpu " + native +
                         "  engine " + engine + "\n";
  }
  Comparison comparison;

 private:
  unsigned lines_ = 0;
};

}  // namespace

std::uint64_t undefined_flags(const Case& which) {
  const std::string_view name = which.row->name;
  const auto starts = [&](std::string_view text) { return name.substr(0, text.size()) == text; };
  const bool wide_shift = starts("shld") || starts("shrd");
  const bool rotate = starts("rol ") || starts("ror ") || starts("rcl ") || starts("rcr ");
  const bool shift = starts("shl ") || starts("shr ") || starts("sal ") || starts("sar ");
  if (!wide_shift && !rotate && !shift) return which.row->undefined;
  bool rex_w = false, p66 = false;
  for (const std::uint8_t byte : which.bytes) {
    if (which.bits == 64 && (byte & 0xf0) == 0x40) {
      rex_w = byte & 8;
      break;
    }
    if (byte == 0x66) p66 = true;
    if (byte != 0x66 && byte != 0x67 && byte != 0xf0 && byte != 0xf2 && byte != 0xf3 && (byte & 0xe7) != 0x26 && byte != 0x64 && byte != 0x65)
      break;
  }
  const unsigned size = which.row->size == Size::b ? 8 : rex_w ? 64 : p66 ? 16 : 32;
  unsigned count = 1;
  if (which.row->imm == Imm::ib)
    count = which.bytes.back();
  else if (name.find("CL") != name.npos)
    count = which.before.gpr[1] & 0xff;
  count &= size == 64 ? 63 : 31;
  if (count == 0) return 0;
  if (wide_shift) {
    if (count > size) return flag::status;
    return count == 1 ? flag::af : flag::af | flag::of;
  }
  std::uint64_t undefined = count == 1 ? 0 : flag::of;
  if (shift) undefined |= flag::af;
  if (shift && !starts("sar ") && count >= size) undefined |= flag::cf;
  return undefined;
}

Comparison compare(const Case& which, Outcome native, Outcome engine, std::span<const std::uint8_t> native_memory,
                   std::span<const std::uint8_t> engine_memory) {
  Report report;
  if (engine.trouble.empty())
    for (const Tolerance& tolerance : tolerances()) tolerance.apply(which, native, engine);
  const Registers &b = which.before, &n = native.after, &e = engine.after;
  if (native.exception != engine.exception || native.vector != engine.vector || native.error_code != engine.error_code ||
      native.fault_address != engine.fault_address || !engine.trouble.empty())
    report.row("end", "-", end_text(native), end_text(engine));
  if (n.rip != e.rip) report.row("rip", hex(b.rip), hex(n.rip), hex(e.rip));
  const bool retired = !native.exception || n.rip != b.rip;
  const std::uint64_t undefined = retired ? undefined_flags(which) : 0;
  if ((n.rflags ^ e.rflags) & compared_flags & ~undefined)
    report.row("flags", flags_text(b.rflags), flags_text(n.rflags), flags_text(e.rflags) + "  [undefined: " + flags_text(undefined) + "]");
  for (unsigned i = 0; i < 16; ++i)
    if (n.gpr[i] != e.gpr[i]) report.row(gpr_names[i], hex(b.gpr[i]), hex(n.gpr[i]), hex(e.gpr[i]));
  for (unsigned i = 0; i < 4; ++i)
    if (n.selector[i] != e.selector[i]) {
      static const char* const names[] = {"es", "cs", "ss", "ds"};
      report.row(names[i], "-", hex(n.selector[i]), hex(e.selector[i]));
    }
  for (unsigned i = 0; i < 16; ++i)
    if (n.xmm[i] != e.xmm[i]) report.row("xmm" + std::to_string(i), hex(b.xmm[i]), hex(n.xmm[i]), hex(e.xmm[i]));
  if (n.mxcsr != e.mxcsr) report.row("mxcsr", hex(b.mxcsr), hex(n.mxcsr), hex(e.mxcsr));
  if (native.memory_counts && std::memcmp(native_memory.data(), engine_memory.data(), native_memory.size()) != 0) {
    const auto at = std::mismatch(native_memory.begin(), native_memory.end(), engine_memory.begin()).first - native_memory.begin();
    const std::size_t length = std::min<std::size_t>(16, native_memory.size() - static_cast<std::size_t>(at));
    report.row("memory", hex(data_base + static_cast<std::uint64_t>(at)), hex(native_memory.subspan(at, length)),
               hex(engine_memory.subspan(at, length)));
  }
  if (n.fpu_control != e.fpu_control) report.row("fcw", hex(b.fpu_control), hex(n.fpu_control), hex(e.fpu_control));
  if (n.fpu_status != e.fpu_status) report.row("fsw", hex(b.fpu_status), hex(n.fpu_status), hex(e.fpu_status));
  if (n.fpu_tag != e.fpu_tag) report.row("ftw", hex(b.fpu_tag), hex(n.fpu_tag), hex(e.fpu_tag));
  for (unsigned i = 0; i < 8; ++i)
    if (std::memcmp(n.st[i].data(), e.st[i].data(), 10) != 0)
      report.row("st" + std::to_string(i), hex(std::span(b.st[i]).first(10)), hex(std::span(n.st[i]).first(10)), hex(std::span(e.st[i]).first(10)));
  return std::move(report.comparison);
}

}  // namespace lockstitch::differential
