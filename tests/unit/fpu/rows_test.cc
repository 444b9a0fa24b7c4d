// Every row of the floating-point and vector families against the host's processor: registers, flags, MXCSR, x87 state and
// memory must agree for random operands, with exceptions masked and unmasked, in registers, in memory and misaligned.
#include <doctest/doctest.h>

#include <string>

#include <sys/mman.h>

#include "tests/unit/fpu/engine_rig.h"
#include "tests/unit/fpu/native.h"
#include "tests/unit/fpu/operands.h"
#include "vmm/engine/interp/row.h"

namespace lockstitch::test {
namespace {

using namespace interp;

/// The scratch page at the same address for both.
class HostScratch {
 public:
  HostScratch() {
    at_ = static_cast<std::uint8_t*>(mmap(reinterpret_cast<void*>(scratch), page_bytes, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    REQUIRE(reinterpret_cast<std::uint64_t>(at_) == scratch);
  }
  ~HostScratch() { munmap(at_, page_bytes); }
  std::uint8_t* at() { return at_; }

 private:
  std::uint8_t* at_;
};

struct Sample {
  std::vector<std::uint8_t> code;
  CpuState cpu;
};

/// A random encoding of the row. RSI (and RDI for MASKMOV) points into the scratch page; RSP is never an operand.
Sample sample(const Row& row, Random& random) {
  Sample s;
  s.cpu = long_mode_cpu();
  odd_state(random, s.cpu);
  const bool modrm = row.attrs & attr::modrm;
  const bool memory = modrm && (row.mod == Mod::memory || (row.mod == Mod::any && random.one_in(2)));
  const bool gpr_r = row.digit < 0 && row.r_field != Field::number, gpr_m = !memory && row.m_field != Field::number;
  std::uint64_t offset = 16 * random.below(8);
  if (random.one_in(4)) offset += random.below(16);
  s.cpu.gpr[unsigned(Gpr::rsi)] = scratch + 64 + offset;
  if (row.attrs & attr::implicit_memory) s.cpu.gpr[unsigned(Gpr::rdi)] = scratch + 64 + offset;

  auto& code = s.code;
  const bool narrow = memory && random.one_in(3);  // 32-bit address size: the slow handlers
  if (narrow) code.push_back(0x67);
  if (row.prefix == Prefix::p66 || (row.prefix == Prefix::pf2 && row.size == Size::v && random.one_in(3))) code.push_back(0x66);
  if (row.prefix == Prefix::pf3) code.push_back(0xf3);
  if (row.prefix == Prefix::pf2) code.push_back(0xf2);
  const unsigned rex = random.one_in(2) ? 0 : static_cast<unsigned>(0x40 | random.below(16));
  unsigned r = row.digit >= 0 ? static_cast<unsigned>(row.digit) : static_cast<unsigned>(random.below(8));
  unsigned m = row.rm >= 0 ? static_cast<unsigned>(row.rm) : static_cast<unsigned>(random.below(8));
  if (gpr_r && (r == 4 || r == 6)) r = 5;
  if (gpr_m && (m == 4 || m == 6)) m = 5;
  if (memory) m = 6;
  if (rex) code.push_back(static_cast<std::uint8_t>(memory ? rex & ~3u : rex));
  if (row.map != Map::one) code.push_back(0x0f);
  if (row.map == Map::three38) code.push_back(0x38);
  if (row.map == Map::three3a) code.push_back(0x3a);
  code.push_back(row.opcode);
  if (modrm) code.push_back(static_cast<std::uint8_t>((memory ? 0x40 : 0xc0) | r << 3 | m));
  if (memory) code.push_back(static_cast<std::uint8_t>(16 * random.below(4)));
  if (row.imm == Imm::ib) code.push_back(static_cast<std::uint8_t>(random.one_in(2) ? random.next() : random.below(16)));
  return s;
}

std::string hex(Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (auto b : bytes) {
    text += digits[b >> 4];
    text += digits[b & 15];
  }
  return text;
}

/// Empty when the outcomes agree, else what differs.
std::string difference(std::uint32_t undefined, const EngineRig::Outcome& ours, const Native::Outcome& theirs) {
  std::string text;
  const auto number = [&](const std::string& name, std::uint64_t a, std::uint64_t b) {
    char line[128];
    if (a != b) std::snprintf(line, sizeof line, "\n  %s: %llx, natively %llx", name.c_str(), static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
    if (a != b) text += line;
  };
  number("vector", ours.vector.value_or(256), theirs.vector.value_or(256));
  for (unsigned i = 0; i < 16; ++i) {
    if (i != unsigned(Gpr::rsp)) number("gpr" + std::to_string(i), ours.cpu.gpr[i], theirs.cpu.gpr[i]);
    if (ours.cpu.xmm[i] != theirs.cpu.xmm[i]) text += "\n  xmm" + std::to_string(i) + ": " + hex(ours.cpu.xmm[i]) + ", natively " + hex(theirs.cpu.xmm[i]);
  }
  for (unsigned i = 0; i < 8; ++i)
    if (ours.cpu.st[i] != theirs.cpu.st[i]) text += "\n  st" + std::to_string(i) + ": " + hex(ours.cpu.st[i]) + ", natively " + hex(theirs.cpu.st[i]);
  const std::uint64_t flags = 0x8d5 & ~undefined;
  number("flags", ours.cpu.rflags & flags, theirs.cpu.rflags & flags);
  // Beside an unmasked overflow or underflow the host's PE speaks of a result of unbounded exponent; ours of the masked one.
  const bool scaled = theirs.vector == 19u && (theirs.cpu.mxcsr & ~(theirs.cpu.mxcsr >> 7) & 0x18);
  number("mxcsr", ours.cpu.mxcsr & ~(scaled ? 0x20u : 0u), theirs.cpu.mxcsr & ~(scaled ? 0x20u : 0u));
  number("control", ours.cpu.fpu_control, theirs.cpu.fpu_control);
  number("status", ours.cpu.fpu_status, theirs.cpu.fpu_status);
  number("tag", ours.cpu.fpu_tag, theirs.cpu.fpu_tag);
  return text;
}

class Duel {
 public:
  explicit Duel(std::uint64_t seed) : random_(seed) {}

  /// Runs the row on both; `change` may alter the state. Returns false after the first difference.
  template <class Change>
  bool row(const Row& row, unsigned rounds, Change change) {
    if (row.attrs & attr::system) return true;
    for (unsigned i = 0; i < rounds; ++i) {
      Sample s = sample(row, random_);
      change(random_, s.cpu);
      if (!agree(s, 1, row.name, row.undefined)) return false;
    }
    return true;
  }
  /// Programs of several instructions in a row, from all of the rows.
  bool programs(std::span<const Row* const> rows, unsigned rounds) {
    for (unsigned i = 0; i < rounds; ++i) {
      constexpr unsigned length = 12;
      Sample program;
      for (unsigned k = 0; k < length; ++k) {
        Sample s = sample(*rows[random_.below(rows.size())], random_);
        program.code.insert(program.code.end(), s.code.begin(), s.code.end());
        program.cpu = s.cpu;
      }
      if (!random_.one_in(8)) program.cpu.gpr[unsigned(Gpr::rsi)] &= ~15ull;
      if (!agree(program, length, "program", 0)) return false;
    }
    return true;
  }
  unsigned runs() const { return runs_; }
  unsigned faults() const { return faults_; }

 private:
  bool agree(const Sample& s, unsigned count, const char* name, std::uint32_t undefined) {
    for (unsigned at = 0; at < 256; at += 16) odd_bytes(random_, host_.at() + at, 16);
    // x87 operands of all widths at the front of a slot; valid BCD now and then.
    if (random_.one_in(3)) odd_extended(random_, host_.at() + 64 + (s.cpu.gpr[6] & 0x7f) % 64);
    if (random_.one_in(4))
      for (unsigned at = 0; at < 256; ++at) host_.at()[at] &= random_.one_in(9) ? 0xff : 0x99 & (random_.one_in(2) ? 0x11 : 0x88);
    std::memcpy(rig_.ram.at(scratch_gpa), host_.at(), 256);
    const std::vector<std::uint8_t> before(host_.at(), host_.at() + 256);
    const auto theirs = native_.run(s.cpu, s.code);
    const auto ours = rig_.run(s.cpu, s.code, count);
    std::string text = difference(undefined, ours, theirs);
    if (std::memcmp(rig_.ram.at(scratch_gpa), host_.at(), 256) != 0)
      text += "\n  memory was      " + hex(before) + "\n  memory          " + hex({rig_.ram.at(scratch_gpa), 256}) + "\n  memory natively " + hex({host_.at(), 256});
    if (theirs.vector) ++faults_;
    ++runs_;
    if (!text.empty()) {
      text += "\n  with mxcsr " + std::to_string(s.cpu.mxcsr) + " control " + std::to_string(s.cpu.fpu_control) + " status " + std::to_string(s.cpu.fpu_status);
      for (unsigned k = 0; k < 3; ++k) text += "\n  xmm" + std::to_string(k) + " was " + hex(s.cpu.xmm[k]);
      for (unsigned k = 0; k < 3; ++k) text += "\n  st" + std::to_string(k) + " was " + hex(s.cpu.st[k]);
      FAIL_CHECK(name << " " << hex(s.code) << " seed " << run_seed() << text);
      return false;
    }
    return true;
  }

  Random random_;
  EngineRig rig_;
  HostScratch host_;
  Native native_;
  unsigned runs_ = 0, faults_ = 0;
};

#if defined(LOCKSTITCH_SANITIZED)
constexpr unsigned thin = 5;  ///< sanitised builds take every fifth round
#else
constexpr unsigned thin = 1;
#endif

/// Returns how many runs ended in an exception.
template <class Change>
unsigned every_row(std::span<const Row> rows, unsigned rounds, Change change) {
  Duel duel(run_seed());
  for (const Row& row : rows) duel.row(row, rounds / thin, change);
  CHECK(duel.runs() >= rows.size());
  return duel.faults();
}

void nothing(Random&, CpuState&) {}
// Some exceptions unmasked; sticky flags of unmasked ones may be set already, which means nothing to SSE.
void unmask_sse(Random& random, CpuState& cpu) { cpu.mxcsr &= ~static_cast<std::uint32_t>(random.next() & 0x1f80); }
// For x87 they mean a pending exception, so most rounds start without.
void unmask_x87(Random& random, CpuState& cpu) {
  cpu.fpu_control &= static_cast<std::uint16_t>(~(random.next() & 0x3f));
  if (!random.one_in(4)) cpu.fpu_status &= static_cast<std::uint16_t>(~0x3f);
  if (cpu.fpu_status & ~cpu.fpu_control & 0x3f) cpu.fpu_status |= 0x8080;
}

TEST_CASE("SSE moves do what the host does") { every_row(rows_sse_move(), 60, nothing); }
TEST_CASE("packed integer instructions do what the host does") { every_row(rows_sse_integer(), 60, nothing); }
TEST_CASE("SSE floating-point instructions do what the host does") { every_row(rows_sse_float(), 200, nothing); }
TEST_CASE("SSE4 instructions do what the host does") { every_row(rows_sse4(), 200, nothing); }
TEST_CASE("MMX instructions do what the host does") { every_row(rows_mmx(), 60, nothing); }
TEST_CASE("x87 instructions do what the host does") { every_row(rows_x87(), 150, nothing); }
TEST_CASE("SSE floating-point instructions raise the unmasked exceptions of the host") {
  CHECK(every_row(rows_sse_float(), 200, unmask_sse) > 1000 / thin);
  CHECK(every_row(rows_sse4(), 60, unmask_sse) > 50 / thin);
  CHECK(every_row(rows_mmx(), 30, unmask_sse) > 10 / thin);
}
TEST_CASE("x87 and MMX instructions treat unmasked and pending exceptions like the host") {
  CHECK(every_row(rows_x87(), 150, unmask_x87) > 1000 / thin);
  CHECK(every_row(rows_mmx(), 20, unmask_x87) > 100 / thin);
}
TEST_CASE("instructions of all families after each other do what the host does") {
  std::vector<const Row*> rows;
  for (auto family : {rows_x87(), rows_x87(), rows_mmx(), rows_sse_move(), rows_sse_float(), rows_sse_integer(), rows_sse4()})
    for (const Row& row : family)
      if (!(row.attrs & (attr::system | attr::implicit_memory))) rows.push_back(&row);
  Duel duel(run_seed());
  CHECK(duel.programs(rows, 4000 / thin));
}

}  // namespace
}  // namespace lockstitch::test
