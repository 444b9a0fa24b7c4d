// See random_program.h. Source of what is defined: SDM 2, "Flags Affected" of each instruction.
#include "tests/contract/engine/random_program.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "tests/contract/support/random.h"

namespace lockstitch::test {
namespace {

constexpr std::uint32_t data_bytes = 8 * page_bytes;
constexpr unsigned rax = 0, rcx = 1, rdx = 2, rsp = 4, rsi = 6, rdi = 7;

// Nothing here both uses flags and writes memory, but for ADC and SBB: QEMU 7.2's emulation of a processor, under which
// KVM's engines may be tested, loses flags when such a write leaves to the hypervisor.
// One unit after the other; each is one instruction, or the few that belong together.
class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::vector<std::uint8_t> unit() {
    code_.clear();
    const std::uint64_t kind = random_.below(100);
    if (kind < 22)
      arithmetic();
    else if (kind < 32)
      move();
    else if (kind < 40)
      shift();
    else if (kind < 46)
      multiply();
    else if (kind < 49)
      divide();
    else if (kind < 54)
      bits();
    else if (kind < 60)
      conditional();
    else if (kind < 66)
      exchange();
    else if (kind < 72)
      stack();
    else if (kind < 77)
      string();
    else if (kind < 87)
      sse();
    else if (kind < 90)
      x87();
    else if (kind < 94)
      port();
    else if (kind < 98)
      device();
    else
      rom();
    return code_;
  }

  /// cmp reg, reg: defines every flag
  void compare() { in_registers(8, {0x39}, any(), any()); }
  std::vector<std::uint8_t> take() { return std::move(code_); }

 private:
  void raw(std::initializer_list<std::uint8_t> bytes) { code_.insert(code_.end(), bytes); }
  void number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) code_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  unsigned any() {
    const auto reg = static_cast<unsigned>(random_.below(15));
    return reg >= rsp ? reg + 1 : reg;  // all but RSP
  }
  unsigned width() { return 1u << random_.below(4); }
  unsigned wide() { return 2u << random_.below(3); }
  std::uint32_t address(unsigned bytes = 16) {
    return place::data + static_cast<std::uint32_t>(random_.below(data_bytes - bytes));
  }

  // Prefixes for an operand of `bytes`, and the opcode. `mandatory`: in front of REX, 0 for none.
  void head(unsigned bytes, std::initializer_list<std::uint8_t> opcode, unsigned reg, unsigned base,
            std::uint8_t mandatory = 0) {
    if (bytes == 2) raw({0x66});
    if (mandatory != 0) raw({mandatory});
    raw({static_cast<std::uint8_t>(0x40 | (bytes == 8 ? 8 : 0) | (reg >= 8 ? 4 : 0) | (base >= 8 ? 1 : 0))});
    raw(opcode);
  }
  void in_registers(unsigned bytes, std::initializer_list<std::uint8_t> opcode, unsigned reg, unsigned rm,
                    std::uint8_t mandatory = 0) {
    head(bytes, opcode, reg, rm, mandatory);
    raw({static_cast<std::uint8_t>(0xc0 | (reg & 7) << 3 | (rm & 7))});
  }
  void in_memory(unsigned bytes, std::initializer_list<std::uint8_t> opcode, unsigned reg, std::uint32_t at,
                 std::uint8_t mandatory = 0) {
    head(bytes, opcode, reg, 0, mandatory);
    raw({static_cast<std::uint8_t>((reg & 7) << 3 | 4), 0x25});
    number(at, 4);
  }
  // Opcodes of byte operands are even, of others the next.
  static std::uint8_t sized(unsigned opcode, unsigned bytes) {
    return static_cast<std::uint8_t>(opcode + (bytes == 1 ? 0 : 1));
  }
  void set(unsigned reg, std::uint64_t value) {
    head(8, {static_cast<std::uint8_t>(0xb8 | (reg & 7))}, 0, reg);
    number(value, 8);
  }

  void arithmetic() {
    const unsigned bytes = width();
    const auto operation = static_cast<unsigned>(random_.below(8)) * 8;  // add or adc sbb and sub xor cmp
    switch (random_.below(6)) {
      case 0:
        in_registers(bytes, {sized(operation, bytes)}, any(), any());
        break;
      case 1:
        in_memory(bytes, {sized(operation, bytes)}, any(), address());
        break;
      case 2:
        in_memory(bytes, {sized(operation + 2, bytes)}, any(), address());
        break;
      case 3:
        in_registers(bytes, {sized(0x80, bytes)}, operation / 8, any());
        number(random_.next(), std::min(bytes, 4u));
        break;
      case 4:  // inc, dec
        in_memory(bytes, {sized(0xfe, bytes)}, static_cast<unsigned>(random_.below(2)), address());
        break;
      default:  // not, neg
        in_registers(bytes, {sized(0xf6, bytes)}, 2 + static_cast<unsigned>(random_.below(2)), any());
    }
    if (operation == 0x08 || operation == 0x20 || operation == 0x30) compare();  // AF
  }

  void move() {
    const unsigned bytes = width();
    switch (random_.below(7)) {
      case 0:
        set(any(), random_.next() >> random_.below(64));
        break;
      case 1:
        in_memory(bytes, {sized(0x88, bytes)}, any(), address());
        break;
      case 2:
        in_memory(bytes, {sized(0x8a, bytes)}, any(), address());
        break;
      case 3: {  // movzx, movsx
        static constexpr std::uint8_t opcodes[] = {0xb6, 0xb7, 0xbe, 0xbf};
        in_registers(wide(), {0x0f, opcodes[random_.below(4)]}, any(), any());
        break;
      }
      case 4:
        in_memory(8, {0x63}, any(), address());  // movsxd
        break;
      case 5: {  // lea reg, [base + index * scale + number]
        const unsigned reg = any(), base = any(), index = any();
        raw({static_cast<std::uint8_t>(0x48 | (reg >= 8 ? 4 : 0) | (index >= 8 ? 2 : 0) | (base >= 8 ? 1 : 0)), 0x8d,
             static_cast<std::uint8_t>(0x84 | (reg & 7) << 3),
             static_cast<std::uint8_t>(random_.below(4) << 6 | (index & 7) << 3 | (base & 7))});
        number(random_.next(), 4);
        break;
      }
      default:
        head(random_.one_in(2) ? 8 : 4, {0x0f}, 0, 0);  // bswap: the register is in the opcode
        raw({static_cast<std::uint8_t>(0xc8 | random_.below(4))});
    }
  }

  void shift() {
    const unsigned bytes = width();
    static constexpr unsigned forms[] = {0, 1, 2, 3, 4, 5, 7};  // rol ror rcl rcr shl shr sar
    const unsigned form = forms[random_.below(7)];
    const bool uses_carry = form == 2 || form == 3;
    if (random_.one_in(3) && !uses_carry)
      in_memory(bytes, {sized(0xc0, bytes)}, form, address());
    else
      in_registers(bytes, {sized(0xc0, bytes)}, form, any());
    number(1 + random_.below(7), 1);
    compare();
  }

  void multiply() {
    const unsigned bytes = wide();
    switch (random_.below(3)) {
      case 0:
        in_registers(bytes, {0x0f, 0xaf}, any(), any());
        break;
      case 1:
        in_memory(bytes, {0x69}, any(), address());
        number(random_.next(), std::min(bytes, 4u));
        break;
      default:  // mul, imul
        in_registers(bytes, {0xf7}, 4 + static_cast<unsigned>(random_.below(2)), any());
    }
    compare();
  }

  void divide() {
    unsigned by = any();
    while (by == rax || by == rdx) by = any();
    in_registers(4, {0x31}, rdx, rdx);  // xor edx, edx
    in_registers(8, {0x83}, 1, by);     // or by, 1
    number(1, 1);
    in_registers(random_.one_in(2) ? 8 : 4, {0xf7}, 6, by);
    compare();
  }

  void bits() {
    const unsigned bytes = wide(), reg = any();
    switch (random_.below(3)) {
      case 0: {  // bt bts btr btc
        static constexpr std::uint8_t opcodes[] = {0xa3, 0xab, 0xb3, 0xbb};
        in_registers(bytes, {0x0f, opcodes[random_.below(4)]}, any(), reg);
        break;
      }
      case 1:  // bsf, bsr
        in_registers(bytes, {0x83}, 1, reg);
        number(1 + random_.below(0x7f), 1);
        in_registers(bytes, {0x0f, static_cast<std::uint8_t>(0xbc + random_.below(2))}, any(), reg);
        break;
      default:
        in_registers(bytes, {0x0f, 0xb8}, any(), reg, 0xf3);  // popcnt
    }
    compare();
  }

  void conditional() {
    const auto condition = static_cast<std::uint8_t>(random_.below(16));
    if (random_.one_in(2))
      in_registers(wide(), {0x0f, static_cast<std::uint8_t>(0x40 | condition)}, any(), any());  // cmov
    else
      in_registers(1, {0x0f, static_cast<std::uint8_t>(0x90 | condition)}, 0, any());  // set
  }

  void exchange() {
    const unsigned bytes = width();
    if (random_.one_in(2)) raw({0xf0});  // lock
    switch (random_.below(3)) {
      case 0:
        in_memory(bytes, {sized(0x86, bytes)}, any(), address());  // xchg
        break;
      case 1:
        in_memory(bytes, {0x0f, sized(0xc0, bytes)}, any(), address());  // xadd
        break;
      default:
        in_memory(bytes, {0x0f, sized(0xb0, bytes)}, any(), address());  // cmpxchg
    }
  }

  void stack() {
    switch (random_.below(3)) {
      case 0: {
        const unsigned from = any(), to = any();
        head(4, {static_cast<std::uint8_t>(0x50 | (from & 7))}, 0, from);
        head(4, {static_cast<std::uint8_t>(0x58 | (to & 7))}, 0, to);
        break;
      }
      case 1:
        in_memory(4, {0xff}, 6, address());  // push, pop
        in_memory(4, {0x8f}, 0, address());
        break;
      default: {
        const unsigned to = any();
        raw({0xe8, 0, 0, 0, 0});  // call here
        head(4, {static_cast<std::uint8_t>(0x58 | (to & 7))}, 0, to);
      }
    }
  }

  void string() {
    const unsigned bytes = width();
    const std::uint64_t count = random_.below(40);
    set(rsi, address(512));
    set(rdi, address(512));
    set(rcx, count);
    if (bytes == 2) raw({0x66});
    raw({0xf3});
    if (bytes == 8) raw({0x48});
    static constexpr unsigned forms[] = {0xa4, 0xaa, 0xac};  // movs stos lods
    raw({sized(forms[random_.below(3)], bytes)});
  }

  void sse() {
    const auto any_xmm = [&] { return static_cast<unsigned>(random_.below(16)); };
    const unsigned a = any_xmm(), b = any_xmm();
    switch (random_.below(4)) {
      case 0:
        in_memory(4, {0x0f, 0x6f}, a, address(), 0xf3);  // movdqu
        break;
      case 1:
        in_memory(4, {0x0f, 0x7f}, a, address(), 0xf3);
        break;
      case 2: {
        static constexpr std::uint8_t opcodes[] = {0xfc, 0xfd, 0xfe, 0xd4, 0xf8, 0xf9, 0xfa, 0xfb, 0xef,
                                                   0xdb, 0xeb, 0x60, 0x6c, 0xf4, 0xf5, 0x74, 0xda, 0xe3};
        in_registers(4, {0x0f, opcodes[random_.below(std::size(opcodes))]}, a, b, 0x66);
        break;
      }
      default: {  // add mul sub min div of packed doubles
        static constexpr std::uint8_t opcodes[] = {0x58, 0x59, 0x5c, 0x5d, 0x5e};
        in_registers(4, {0x0f, opcodes[random_.below(std::size(opcodes))]}, a, b, 0x66);
      }
    }
  }

  void x87() {
    in_memory(4, {0xdd}, 0, address());                                        // fld qword
    in_memory(4, {0xdc}, static_cast<unsigned>(random_.below(2)), address());  // fadd, fmul qword
    in_memory(4, {0xdd}, 3, address());                                        // fstp qword
  }

  void port() {
    const auto number_of_port = static_cast<std::uint8_t>(random_.next());
    const unsigned bytes = 1u << random_.below(3);
    if (bytes == 2) raw({0x66});
    raw({sized(random_.one_in(2) ? 0xe4 : 0xe6, bytes), number_of_port});  // in, out
  }

  void device() {
    const std::uint32_t at = place::mapped + static_cast<std::uint32_t>(random_.below(64)) * 8;
    const unsigned bytes = width();
    switch (random_.below(3)) {
      case 0:
        in_memory(bytes, {sized(0x8a, bytes)}, any(), at);
        break;
      case 1:
        in_memory(bytes, {sized(0x88, bytes)}, any(), at);
        break;
      default:
        in_memory(bytes, {sized(0x00, bytes)}, any(), at);  // add [device], reg
    }
  }

  void rom() {
    const unsigned bytes = width();
    const std::uint32_t at = place::rom + static_cast<std::uint32_t>(random_.below(place::rom_bytes / 8)) * 8;
    in_memory(bytes, {sized(random_.one_in(2) ? 0x8a : 0x88, bytes)}, any(), at);
  }

  Random& random_;
  std::vector<std::uint8_t> code_;
};

}  // namespace

RandomProgram random_program(std::uint64_t seed, std::size_t instructions) {
  Random random(seed);
  RandomProgram program;
  program.seed = seed;
  program.start.rflags = 0x2 | (random.next() & 0x8d5);
  for (auto& value : program.start.gpr) value = random.next() >> random.below(64);
  for (auto& xmm : program.start.xmm)
    for (auto& byte : xmm) byte = static_cast<std::uint8_t>(random.next());
  program.data.resize(data_bytes);
  for (auto& byte : program.data) byte = static_cast<std::uint8_t>(random.next());
  Writer writer(random);
  for (std::size_t i = 0; i < instructions; ++i) program.instructions.push_back(writer.unit());
  return program;
}

Outcome run_program(const EngineUnderTest& kind, const RandomProgram& program, std::size_t instructions,
                    const Manner& manner) {
  LongModeRig rig(kind);
  GuestCode code;
  for (std::size_t i = 0; i < instructions; ++i)
    for (const std::uint8_t byte : program.instructions[i]) code.raw({byte});
  rig.put_code(code.raw({0x48, 0x39, 0xd8}).hlt());  // cmp rax, rbx: all flags are defined
  rig.memory.put(place::data, program.data);
  CpuState start = rig.initial();
  start.rflags = program.start.rflags;
  start.xmm = program.start.xmm;
  for (unsigned i = 0; i < 16; ++i)
    if (i != rsp) start.gpr[i] = program.start.gpr[i];
  rig.engine->set_state(start);

  Random random(manner.seed);
  const auto percent = [&](unsigned p) { return random.below(100) < p; };
  std::set<Gpa> marked;
  const auto note_marked = [&] { marked.merge(rig.memory.dirty()); };
  rig.memory.clear_dirty();
  const std::vector<std::uint8_t> before = rig.memory.contents();

  Outcome outcome;
  rig.door.answer = [&](const Exit& exit, ExitReply& reply) {
    // What a device answers depends on how often it was asked.
    reply.value = ((exit.address + rig.door.seen.size() * 0x9e37'79b9) * 0x85eb'ca6b) & ones(exit.width);
    if (manner.shorten_percent != 0 && percent(manner.shorten_percent)) reply.bound = exit.tick + 1;
  };
  rig.next_length = [&] { return manner.cut ? short_length(kind.ticks, random.next()) : endless_length(kind.ticks); };
  rig.at_bound = [&] {
    ++outcome.stops;
    if (percent(manner.reload_percent)) rig.engine->set_state(rig.engine->state());
    if (percent(manner.drop_percent)) rig.engine->drop_caches();
    if (percent(manner.tell_percent)) {
      note_marked();
      if (percent(50))
        rig.memory.clear_dirty();
      else
        rig.memory.tell_remapped();
    }
  };
  const Tick from = rig.tick;
  rig.run_until(ExitKind::halted);
  note_marked();

  outcome.ticks = rig.tick - from;
  outcome.state = rig.image();
  outcome.exits = rig.door.text();
  outcome.memory = rig.memory.contents();
  for (Gpa at = 0; at < RigMemory::size; at += page_bytes) {
    const bool changed = std::memcmp(before.data() + at, outcome.memory.data() + at, page_bytes) != 0;
    if (changed && marked.count(at) == 0) outcome.written_not_marked.push_back(at);
  }
  return outcome;
}

std::string difference(const Outcome& a, const Outcome& b) {
  if (a.exits != b.exits) {
    const auto at = static_cast<std::size_t>(
        std::mismatch(a.exits.begin(), a.exits.end(), b.exits.begin(), b.exits.end()).first - a.exits.begin());
    const auto line = [at](const std::string& text) {
      const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
      return begin >= text.size() ? std::string("none") : text.substr(begin, text.find('\n', begin) - begin);
    };
    return "exit " + std::to_string(std::count(a.exits.begin(), a.exits.begin() + std::ptrdiff_t(at), '\n')) + ": " +
           line(a.exits) + " against " + line(b.exits);
  }
  if (const std::string found = difference(a.state, b.state); !found.empty()) return found;
  for (std::size_t i = 0; i < a.memory.size(); ++i) {
    if (a.memory[i] == b.memory[i]) continue;
    char text[80];
    std::snprintf(text, sizeof text, "memory at %zx: %02x against %02x", i, a.memory[i], b.memory[i]);
    return text;
  }
  return "";
}

}  // namespace lockstitch::test
