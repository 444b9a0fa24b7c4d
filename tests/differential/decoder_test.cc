// The engine's decoder against Zydis: is it an instruction of our CPU model, and how long is it. Every opcode with every
// ModRM byte and the prefixes that matter, in 64-, 32- and 16-bit code, and random bytes.
#include <Zydis/Zydis.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/differential/random.h"
#include "vmm/engine/interp/decoder.h"

namespace lockstitch::differential {
namespace {

using namespace interp;

struct Mode {
  const char* name;
  std::uint32_t ours;
  ZydisMachineMode machine;
  ZydisStackWidth stack;
};
const Mode modes[] = {{"64-bit", mode_code64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64},
                      {"32-bit", mode_code32 | mode_stack32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32},
                      {"16-bit", mode_code16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16}};

struct Sample {
  std::span<const std::uint8_t> bytes;
  const Mode& mode;
  bool known = false;  ///< to Zydis
  ZydisDecodedInstruction theirs{};
  unsigned ours = 0;

  // Past the prefixes.
  std::span<const std::uint8_t> opcode() const {
    std::size_t i = 0;
    while (i < bytes.size() && is_prefix(bytes[i])) ++i;
    return bytes.subspan(i);
  }
  bool has_prefix(std::uint8_t wanted) const {
    for (const std::uint8_t b : bytes) {
      if (!is_prefix(b)) return false;
      if (b == wanted) return true;
    }
    return false;
  }
  bool is_prefix(std::uint8_t b) const {
    return b == 0x66 || b == 0x67 || b == 0xf0 || b == 0xf2 || b == 0xf3 || (b & 0xe7) == 0x26 || b == 0x64 || b == 0x65 ||
           (mode.ours == mode_code64 && (b & 0xf0) == 0x40);
  }
  bool two(std::uint8_t second) const {
    const auto o = opcode();
    return o.size() > 1 && o[0] == 0x0f && o[1] == second;
  }
};

struct Difference {
  const char* what;
  const char* reason;
  bool (*matches)(const Sample& s);
};

bool outside_the_model(const Sample& s) {
  if (!s.known) return false;
  switch (s.theirs.meta.isa_ext) {
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_LONGMODE:
    case ZYDIS_ISA_EXT_X87:
    case ZYDIS_ISA_EXT_MMX:
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSE3:
    case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_CLFSH:
    case ZYDIS_ISA_EXT_PAUSE:
    case ZYDIS_ISA_EXT_RDTSCP: return false;
    default: return true;
  }
}

const Difference differences[] = {
    {"instructions of extensions that the CPU model lacks", "to it they are undefined, or the older instruction of the same bytes",
     [](const Sample& s) { return outside_the_model(s) && (s.ours == 0 || s.ours == s.theirs.length); }},
    {"0F 1A and 0F 1B", "Zydis holds them to the rules of MPX; without MPX they are hints whatever the operands",
     [](const Sample& s) { return (s.two(0x1a) || s.two(0x1b)) && !s.known; }},
    {"RSM", "undefined outside system management mode, which the model does not have",
     [](const Sample& s) { return s.two(0xaa) && s.ours == 0; }},
    {"MOV to and from control and debug registers that do not exist", "undefined to Zydis when decoded, to us when executed",
     [](const Sample& s) {
       return !s.known && (s.two(0x20) || s.two(0x21) || s.two(0x22) || s.two(0x23)) && s.ours + s.opcode().size() == s.bytes.size() + 3;
     }},
};

struct Tally {
  std::uint64_t samples = 0, both = 0;
  std::map<std::string, std::pair<std::uint64_t, std::string>> disagreements;  ///< by group: count and first example
};

void check(Tally& tally, std::span<const std::uint8_t> bytes, const Mode& mode) {
  static ZydisDecoder decoders[3];
  static const bool ready = [] {
    for (unsigned i = 0; i < 3; ++i) ZydisDecoderInit(&decoders[i], modes[i].machine, modes[i].stack);
    return true;
  }();
  (void)ready;
  Sample s{bytes, mode};
  ZydisDecoderContext context;
  s.known = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoders[&mode - modes], &context, bytes.data(), bytes.size(), &s.theirs));
  s.ours = decode_length(bytes, mode.ours);
  ++tally.samples;
  const unsigned theirs = s.known ? s.theirs.length : 0;
  if (s.ours == theirs) {
    tally.both += theirs != 0;
    return;
  }
  for (const Difference& d : differences)
    if (d.matches(s)) return;
  std::ostringstream group, example;
  char byte[8];
  const auto o = s.opcode();
  const std::size_t shown = o.empty() ? 0 : o[0] != 0x0f ? 1 : o.size() > 1 && (o[1] == 0x38 || o[1] == 0x3a) ? 3 : 2;
  for (std::size_t i = 0; i < std::min(shown, o.size()); ++i) {
    std::snprintf(byte, sizeof byte, "%02x ", o[i]);
    group << byte;
  }
  group << (s.ours == 0 ? "only Zydis" : theirs == 0 ? "only ours" : "lengths");
  for (const std::uint8_t b : bytes) {
    std::snprintf(byte, sizeof byte, "%02x ", b);
    example << byte;
  }
  example << mode.name << " ours " << s.ours << " Zydis " << theirs;
  if (s.known) example << " " << ZydisMnemonicGetString(s.theirs.mnemonic);
  auto& entry = tally.disagreements[group.str()];
  if (entry.first++ == 0) entry.second = example.str();
}

void report(const Tally& tally) {
  std::ostringstream text;
  for (const auto& [group, entry] : tally.disagreements) text << "  " << entry.first << "  " << group << "  " << entry.second << "\n";
  if (const char* path = std::getenv("LOCKSTITCH_REPORT"))
    std::ofstream(path, std::ios::app) << "decoder: " << tally.samples << " samples, " << tally.both << " decoded by both\n" << text.str();
  INFO(text.str());
  CHECK(tally.disagreements.empty());
}

}  // namespace

TEST_CASE("every opcode with every ModRM byte has the length Zydis gives it, or is undefined to both") {
  const std::vector<std::vector<std::uint8_t>> prefixes = {{}, {0x66}, {0xf2}, {0xf3}, {0xf0}, {0x67}, {0x66, 0xf2}, {0x66, 0xf3}};
  const std::vector<std::vector<std::uint8_t>> maps = {{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
  Tally tally;
  Random random(number_from_env("LOCKSTITCH_SEED", 7));
  for (const Mode& mode : modes)
    for (const auto& prefix : prefixes)
      for (const bool rex : {false, true}) {
        if (rex && mode.ours != mode_code64) continue;
        for (const auto& map : maps)
          for (unsigned opcode = 0; opcode < 256; ++opcode)
            for (unsigned modrm = 0; modrm < 256; ++modrm) {
              std::vector<std::uint8_t> bytes = prefix;
              if (rex) bytes.push_back(0x48);
              bytes.insert(bytes.end(), map.begin(), map.end());
              bytes.push_back(static_cast<std::uint8_t>(opcode));
              bytes.push_back(static_cast<std::uint8_t>(modrm));
              while (bytes.size() < 16) bytes.push_back(static_cast<std::uint8_t>(random.next()));
              check(tally, std::span(bytes).first(15), mode);
            }
      }
  report(tally);
  CHECK(tally.both > 1'000'000);
}

TEST_CASE("random bytes have the length Zydis gives them, or are undefined to both") {
  const std::uint64_t seed = number_from_env("LOCKSTITCH_SEED", 7);
  INFO("LOCKSTITCH_SEED=" << seed);
  Tally tally;
  Random random(seed);
  static constexpr std::uint8_t common[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x48, 0x41, 0x0f, 0x38, 0x3a};
  for (unsigned i = 0; i < 2'000'000; ++i) {
    std::uint8_t bytes[15];
    for (auto& byte : bytes) byte = random.percent(25) ? random.pick(common) : static_cast<std::uint8_t>(random.next());
    check(tally, bytes, modes[i % 3]);
  }
  report(tally);
}

TEST_CASE("an instruction cut short is never taken for a whole one") {
  const std::uint64_t seed = number_from_env("LOCKSTITCH_SEED", 7);
  INFO("LOCKSTITCH_SEED=" << seed);
  Random random(seed);
  std::uint64_t cut = 0;
  for (unsigned i = 0; i < 200'000; ++i) {
    std::uint8_t bytes[15];
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    const Mode& mode = modes[i % 3];
    const unsigned length = decode_length(bytes, mode.ours);
    for (unsigned n = 0; n < length; ++n) {
      REQUIRE(decode_length(std::span(bytes).first(n), mode.ours) == 0);
      ++cut;
    }
    Op op;
    if (length == 0) continue;
    REQUIRE(decode(std::span(bytes).first(length), mode.ours, 0, op).status == DecodeStatus::ok);
  }
  CHECK(cut > 100'000);
}

TEST_CASE("differences from Zydis are listed with their reasons") {
  for (const Difference& d : differences)
    if (std::getenv("LOCKSTITCH_LIST_EXCLUSIONS")) std::cout << d.what << "\n    " << d.reason << "\n";
}

}  // namespace lockstitch::differential
