// See generator.h. Source: SDM 2A chapter 2 (encoding).
#include "tests/differential/generator.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "tests/differential/exclusions.h"
#include "tests/differential/layout.h"
#include "tests/differential/values.h"

namespace lockstitch::differential {
namespace {

using namespace interp;

constexpr unsigned rsp = 4, rbp = 5, rsi = 6, rdi = 7, rcx = 1, rbx = 3;

class Generator {
 public:
  Generator(const Row& row, unsigned bits, Random& random) : row_(row), name_(row.name), random_(random) {
    c_.row = &row;
    c_.bits = bits;
  }

  Case make() {
    registers();
    place();
    prefixes();
    opcode();
    if (row_.attrs & attr::modrm) modrm();
    immediate();
    assemble();
    surroundings();
    if (c_.bits == 32)
      for (unsigned i = 0; i < 16; ++i) c_.before.gpr[i] = i < 8 ? c_.before.gpr[i] & 0xffff'ffff : 0;
    return std::move(c_);
  }

 private:
  bool code64() const { return c_.bits == 64; }
  bool is(std::string_view start) const { return name_.substr(0, start.size()) == start; }
  bool has(std::string_view part) const { return name_.find(part) != name_.npos; }
  bool string_row() const {
    return row_.map == Map::one && ((row_.opcode >= 0xa4 && row_.opcode <= 0xaf && row_.opcode != 0xa8 && row_.opcode != 0xa9) ||
                                    (row_.opcode >= 0x6c && row_.opcode <= 0x6f));
  }
  bool selector_row() const { return is("verr") || is("verw") || is("lar") || is("lsl") || is("mov Sw"); }
  bool far_row() const { return is("jmp far") || is("call far") || is("retf") || is("iret"); }
  bool far_pointer_row() const { return is("jmp far") || is("call far") || is("les") || is("lds") || is("lss"); }
  unsigned operand_bytes_guess() const {
    if (is("fxsave") || is("fxrstor")) return 512;
    if (has("save") || is("frstor")) return 108;
    if (has("env")) return 28;
    return row_.attrs & (attr::sse | attr::mmx | attr::x87) ? 16 : 8;
  }
  void patch(std::uint64_t at, std::vector<std::uint8_t> bytes) { c_.memory.push_back({at, std::move(bytes)}); }
  void patch_number(std::uint64_t at, std::uint64_t value, unsigned size) {
    std::vector<std::uint8_t> bytes(size);
    std::memcpy(bytes.data(), &value, size);
    patch(at, std::move(bytes));
  }

  // ---- where operands lie ----

  std::uint64_t operand_address(unsigned size) {
    const std::uint64_t align = random_.percent(70) ? ~15ull : ~0ull;
    switch (random_.below(40)) {
      case 0: return code_base + random_.below(code_bytes);
      case 1: return data_base + random_.below(page_bytes - 16);                            // read-only
      case 2: return writable_base - random_.between(1, size);                              // read-only into writable
      case 3:
      case 4: return data_end - random_.between(1, size);                                   // writable into nothing
      case 5: return data_end + random_.below(64);                                          // nothing
      case 6: return data_base - random_.between(1, size);                                  // nothing into read-only
      case 7: return random_.below(0x1000);                                                 // the null page
      case 8: return code64() ? 0x8000'0000'0000'0000 ^ (random_.next() & 0xff'ffff'ffff'ffff) : random_.below(0x1000);  // not canonical
      case 9: return code64() ? 0xffff'8000'0000'0000 + random_.below(0x1000'0000) : 0xffff'f000 + random_.below(64);     // the kernel's half
      case 10:
      case 11:
      case 12:
      case 13: return writable_base + page_bytes * random_.between(1, 2) - random_.between(1, size);  // across two writable pages
      default: return writable_base + (random_.below(3 * page_bytes - size) & align);
    }
  }
  std::uint64_t landing() {
    const std::uint64_t at = c_.before.rip;
    if (random_.percent(4)) return operand_address(8);
    if (random_.percent(2)) return code_end + random_.below(16);
    for (;;) {
      const std::uint64_t target = code_base + random_.below(code_bytes);
      if (target - at >= 16) return target;
    }
  }

  // ---- registers ----

  void registers() {
    Registers& r = c_.before;
    for (auto& value : r.gpr) value = integer_value(random_);
    r.rflags = 0x202 | (random_.next() & 0x8d5) | (random_.percent(20) ? 0x400 : 0) | (random_.percent(2) ? 0x4'0000 : 0);
    for (auto& x : r.xmm) x = packed_value(random_);
    const bool float_row = row_.attrs & (attr::x87 | attr::mmx | attr::sse);
    if (float_row || random_.percent(5)) r.mxcsr = mxcsr_value(random_);
    if ((row_.attrs & (attr::x87 | attr::mmx)) || is("fx") || random_.percent(5)) x87_state(random_, r);
    if (row_.attrs & attr::mmx && random_.percent(90)) {  // no pending x87 exception
      r.fpu_control = 0x37f;
      r.fpu_status &= 0x7f7f;
      for (auto& st : r.st) {
        const Bytes16 value = packed_value(random_);
        std::copy_n(value.begin(), 8, st.begin());
      }
    }
    const bool stack = ((row_.attrs & attr::implicit_memory) && !string_row()) || far_row();
    if (stack || random_.percent(60)) r.gpr[rsp] = stack ? operand_address(8) : writable_base + 0x800 + random_.below(0x1000);
    if (stack && random_.percent(80)) r.gpr[rsp] = (writable_base + 0x400 + random_.below(0x1800)) & ~(random_.percent(90) ? 7ull : 0);
    if (is("leave") || is("enter")) r.gpr[rbp] = operand_address(8);
    if (is("div") || is("idiv")) {
      if (random_.percent(60)) r.gpr[2] = random_.percent(50) ? 0 : random_.below(64);
      if (is("idiv") && random_.percent(40)) r.gpr[2] = ~0ull;
    }
    if (string_row()) {
      r.gpr[rsi] = operand_address(8);
      r.gpr[rdi] = operand_address(8);
      if (random_.percent(15)) r.gpr[rdi] = r.gpr[rsi] + random_.below(40) - 20;
      r.gpr[rcx] = random_.percent(80) ? random_.below(24) : random_.below(6000);
    }
    if (is("loop") || is("jcxz")) {
      if (random_.percent(60)) r.gpr[rcx] = random_.below(3);
      if (random_.percent(20)) r.gpr[rcx] |= 1ull << 32;
    }
    if (is("maskmov")) {  // within one page: what the bytes that are not written may do is the processor's choice
      r.gpr[rdi] = operand_address(16);
      if ((r.gpr[rdi] & page_mask) > page_bytes - 16) r.gpr[rdi] &= ~page_mask;
    }
    if (is("xlat")) r.gpr[rbx] = operand_address(1) - (r.gpr[0] & 0xff);
  }

  void place() {
    c_.before.rip = code_base + 0x7f0 + random_.below(32);
    if (random_.percent(4)) c_.before.rip = code_base + page_bytes - random_.between(1, 8);
    if (random_.percent(1)) c_.before.rip = code_end - random_.between(1, 8);
  }

  // ---- encoding ----

  void prefixes() {
    const bool float_row = row_.attrs & (attr::x87 | attr::mmx | attr::sse);
    p66_ = row_.prefix == Prefix::p66 || (row_.prefix == Prefix::any && random_.percent(row_.size == Size::b || float_row ? 4 : 25)) ||
           ((row_.prefix == Prefix::pf2 || row_.prefix == Prefix::pf3) && random_.percent(row_.map == Map::two ? 3 : 15));
    if (row_.prefix == Prefix::pf2) rep_ = 0xf2;
    if (row_.prefix == Prefix::pf3) rep_ = 0xf3;
    if (row_.prefix == Prefix::any && random_.percent(4)) rep_ = random_.percent(50) ? 0xf2 : 0xf3;
    p67_ = random_.percent(7);
    if (row_.attrs & attr::lock ? random_.percent(15) : random_.percent(1)) lock_ = true;
    if (random_.percent(4)) {
      static constexpr std::uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x65};
      segment_ = random_.pick(segments);
    }
    if (code64() && random_.percent(55)) rex_ = static_cast<std::uint8_t>(0x40 | random_.below(16));
    if (is("popf")) rep_ = 0;
  }

  void opcode() {
    opcode_ = row_.opcode;
    if (row_.attrs & attr::opcode_reg) opcode_ = static_cast<std::uint8_t>((row_.opcode & 0xf8) | random_.below(8));
  }

  unsigned address_bytes() const { return code64() ? (p67_ ? 4 : 8) : (p67_ ? 2 : 4); }

  void modrm() {
    std::uint64_t mod = random_.below(4);
    if (random_.percent(30)) mod = 3;
    if (row_.mod == Mod::memory)
      mod = random_.below(3);
    else if (row_.mod == Mod::reg)
      mod = 3;
    const std::uint64_t reg = row_.digit >= 0 ? static_cast<unsigned>(row_.digit) : random_.below(8);
    std::uint64_t rm = row_.rm >= 0 ? static_cast<unsigned>(row_.rm) : random_.below(8);
    modrm_ = static_cast<std::uint8_t>(mod << 6 | reg << 3 | rm);
    if (mod == 3) {
      register_operand(static_cast<unsigned>(rm) | (rex_ & 1 ? 8 : 0));
      return;
    }
    memory_ = true;
    target_ = operand_address(operand_bytes_guess());
    if (is("fx") && random_.percent(85)) target_ &= ~15ull;
    bit_index(static_cast<unsigned>(reg) | (rex_ & 4 ? 8 : 0));
    if (address_bytes() == 2) {
      if (mod == 0 && rm == 6) disp_bytes_ = 2;
      if (mod == 1) disp_bytes_ = 1;
      if (mod == 2) disp_bytes_ = 2;
      disp_ = static_cast<std::int64_t>(random_.next());
      return;
    }
    address_form(static_cast<unsigned>(mod), static_cast<unsigned>(rm));
  }

  // Where an instruction takes its meaning from a register operand.
  void register_operand(unsigned number) {
    std::uint64_t& value = c_.before.gpr[number];
    if (is("jmp Ev") || is("call Ev")) value = landing();
    if (selector_row()) value = selector() | (value & ~0xffffull);
  }
  std::uint64_t selector() {
    static constexpr std::uint16_t values[] = {0, 3, 0x23, 0x2b, 0x33, 0x28, 0x2a, 0x10, 0x18, 0x1b, 8};
    return random_.pick(values);
  }

  // Code selectors lead to the two kinds of user code, seldom to anything else.
  std::uint64_t code_selector() {
    if (random_.percent(20)) return selector();
    return random_.percent(50) ? user_code64 : user_code32;
  }
  // Offset of `size` bytes, selector behind it.
  std::vector<std::uint8_t> far_pointer(unsigned size) {
    std::vector<std::uint8_t> bytes(10);
    const std::uint64_t offset = landing(), target = is("l") ? selector() : code_selector();
    std::memcpy(bytes.data(), &offset, 8);
    std::memcpy(bytes.data() + size, &target, 2);
    return bytes;
  }

  // BT and friends with a register index reach far away from their operand.
  void bit_index(unsigned number) {
    if (is("bt") && has("Gv") && random_.percent(90)) c_.before.gpr[number] = random_.below(4000) - 2000;
  }

  // Chooses base, index and displacement, and sets a register so that the sum is target_.
  void address_form(unsigned mod, unsigned rm) {
    Registers& r = c_.before;
    const unsigned rex_b = rex_ & 1 ? 8 : 0, rex_x = rex_ & 2 ? 8 : 0;
    int base = -1, index = -1;
    unsigned scale = 0;
    disp_bytes_ = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    if (rm == 4) {
      const std::uint64_t sib_base = random_.below(8), sib_index = random_.below(8);
      scale = static_cast<unsigned>(random_.below(4));
      has_sib_ = true;
      sib_ = static_cast<std::uint8_t>(scale << 6 | sib_index << 3 | sib_base);
      if ((sib_index | rex_x) != 4) index = static_cast<int>(sib_index | rex_x);
      if (sib_base == 5 && mod == 0)
        disp_bytes_ = 4;
      else
        base = static_cast<int>(sib_base | rex_b);
    } else if (rm == 5 && mod == 0) {
      disp_bytes_ = 4;
      if (code64()) {
        rip_relative_ = true;
        return;
      }
    } else {
      base = static_cast<int>(rm | rex_b);
    }
    disp_ = disp_bytes_ == 1 ? static_cast<std::int8_t>(random_.next())
            : disp_bytes_ == 4 ? static_cast<std::int64_t>(static_cast<std::int32_t>(random_.percent(50) ? random_.below(0x1000) - 0x800 : random_.next()))
                               : 0;
    if (row_.attrs & attr::sib_free) return;
    const std::uint64_t segment = segment_ == 0x65 && code64() ? gs_base : 0;
    const auto wrapped = [&](std::uint64_t value) {
      return address_bytes() == 4 && code64() ? (value & 0xffff'ffff) | (random_.next() & 0xffff'ffff'0000'0000) : value;
    };
    std::uint64_t rest = target_ - segment - static_cast<std::uint64_t>(disp_);
    if (base >= 0 && index >= 0 && base != index) {
      if (random_.percent(60)) r.gpr[index] = random_.below(0x2000) - 0x1000;
      r.gpr[base] = wrapped(rest - (r.gpr[index] << scale));
    } else if (base >= 0 && index < 0) {
      r.gpr[base] = wrapped(rest);
    } else if (index >= 0 && disp_bytes_ == 4) {
      const unsigned shift = base >= 0 ? 0 : scale;
      const std::uint64_t factor = base >= 0 ? 1 + (1ull << scale) : 1;
      r.gpr[index] = random_.below(0x1000);
      rest = target_ - segment - (r.gpr[index] << shift) * factor;
      disp_ = static_cast<std::int32_t>(rest);
    } else if (index >= 0) {
      const std::uint64_t factor = 1 + (1ull << scale);
      r.gpr[index] = wrapped(rest / factor);
    } else {
      disp_ = static_cast<std::int32_t>(rest);
    }
  }

  unsigned immediate_size() const {
    // As the operand size of the row is in this encoding.
    const bool wide = rex_ & 8;
    const unsigned plain = p66_ ? 2 : 4;
    unsigned size = plain;
    switch (row_.size) {
      case Size::v: size = wide ? 8 : plain; break;
      case Size::b: size = 1; break;
      case Size::w: size = 2; break;
      case Size::d: size = 4; break;
      case Size::q: size = 8; break;
      case Size::y: size = wide ? 8 : 4; break;
      case Size::v64: size = code64() ? (p66_ && !wide ? 2 : 8) : plain; break;
      case Size::f64: size = code64() ? 8 : plain; break;
    }
    return size;
  }

  void immediate() {
    const unsigned size = immediate_size();
    std::uint64_t value = integer_value(random_);
    switch (row_.imm) {
      case Imm::none: break;
      case Imm::ib:
      case Imm::ibs:
        imm_bytes_ = 1;
        if (is("int Ib")) value = random_.percent(10) ? random_.between(1, 4) : random_.next();
        break;
      case Imm::iw:
        imm_bytes_ = 2;
        if (random_.percent(70)) value &= 0x1ff;
        break;
      case Imm::iz: imm_bytes_ = size == 2 ? 2 : 4; break;
      case Imm::iv: imm_bytes_ = size; break;
      case Imm::iw_ib:
        imm_bytes_ = 3;
        value = (random_.percent(80) ? random_.below(256) : random_.below(0x1'0000)) |
                (random_.percent(60) ? random_.below(4) : random_.below(256)) << 16;
        break;
      case Imm::offset:
        imm_bytes_ = address_bytes();
        value = operand_address(8) - (segment_ == 0x65 && code64() ? gs_base : 0);
        break;
      case Imm::far:
        imm_bytes_ = (size == 2 ? 2 : 4) + 2;
        std::memcpy(&value, far_pointer(size == 2 ? 2 : 4).data(), 8);
        break;
      case Imm::rel8:
        imm_bytes_ = 1;
        branch_ = true;
        break;
      case Imm::relz:
        imm_bytes_ = size == 2 ? 2 : 4;
        branch_ = true;
        break;
    }
    imm_ = value;
  }

  void assemble() {
    std::vector<std::uint8_t> p;
    if (p66_) p.push_back(0x66);
    if (p67_) p.push_back(0x67);
    if (lock_) p.push_back(0xf0);
    if (rep_) p.push_back(rep_);
    if (segment_) p.push_back(segment_);
    for (std::size_t i = p.size(); i > 1; --i) std::swap(p[i - 1], p[random_.below(i)]);
    std::vector<std::uint8_t> body;
    if (row_.map != Map::one) body.push_back(0x0f);
    if (row_.map == Map::three38) body.push_back(0x38);
    if (row_.map == Map::three3a) body.push_back(0x3a);
    body.push_back(opcode_);
    if (row_.attrs & attr::modrm) body.push_back(modrm_);
    if (has_sib_) body.push_back(sib_);
    const std::size_t disp_at = body.size();
    for (unsigned i = 0; i < disp_bytes_; ++i) body.push_back(static_cast<std::uint8_t>(disp_ >> (8 * i)));
    const std::size_t imm_at = body.size();
    for (unsigned i = 0; i < imm_bytes_; ++i) body.push_back(i < 8 ? static_cast<std::uint8_t>(imm_ >> (8 * i)) : 0);
    if (random_.percent(2))  // redundant prefixes, up to the limit of 15 bytes and beyond
      while (random_.percent(75) && p.size() + body.size() < 17) p.insert(p.begin(), 0x3e);
    if (rex_) p.push_back(rex_);
    const std::uint64_t end = c_.before.rip + p.size() + body.size();
    if (rip_relative_) {
      const std::uint64_t disp = target_ - end - (segment_ == 0x65 ? gs_base : 0);
      for (unsigned i = 0; i < 4; ++i) body[disp_at + i] = static_cast<std::uint8_t>(disp >> (8 * i));
    }
    if (branch_) {
      std::uint64_t disp = random_.percent(8) ? random_.next() : landing() - end;
      if (imm_bytes_ == 1) disp = random_.next();
      const auto reach = static_cast<std::int64_t>(disp << (64 - 8 * imm_bytes_)) >> (64 - 8 * imm_bytes_);
      const std::uint64_t target = end + static_cast<std::uint64_t>(reach);
      if (target - c_.before.rip < p.size() + body.size()) disp = 0;  // never into itself
      for (unsigned i = 0; i < imm_bytes_; ++i) body[imm_at + i] = static_cast<std::uint8_t>(disp >> (8 * i));
    }
    c_.bytes = p;
    c_.bytes.insert(c_.bytes.end(), body.begin(), body.end());
  }

  // ---- memory ----

  void surroundings() {
    if (memory_) {
      std::vector<std::uint8_t> data(operand_bytes_guess() + 16);
      operand_bytes(random_, data);
      const auto put = [&](unsigned at, std::uint64_t value, unsigned size) { std::memcpy(data.data() + at, &value, size); };
      if (is("jmp Ev") || is("call Ev")) put(0, landing(), 8);
      if (selector_row()) put(0, selector(), 2);
      if (is("ldmxcsr") && random_.percent(90)) put(0, mxcsr_value(random_), 4);
      if (is("fxrstor")) {
        Registers image;
        x87_state(random_, image);
        put(0, image.fpu_control, 2);
        put(2, image.fpu_status, 2);
        for (unsigned i = 0; i < 8; ++i) std::memcpy(data.data() + 32 + 16 * i, image.st[i].data(), 10);
        put(24, mxcsr_value(random_) | (random_.percent(5) ? 0x10000u : 0), 4);
      }
      if (far_pointer_row()) {
        const std::vector<std::uint8_t> pointer = far_pointer(immediate_size());
        std::copy(pointer.begin(), pointer.end(), data.begin());
      }
      if (is("bound")) {
        put(0, random_.percent(50) ? random_.below(64) - 64 : integer_value(random_), 4);
        put(4, random_.percent(50) ? random_.below(64) : integer_value(random_), 4);
      }
      // A selector of the test's own, always: others may mean something in the host's descriptor table.
      const bool exact = selector_row() || far_pointer_row();
      patch(target_ - (!exact && random_.percent(10) ? 8 : 0), std::move(data));
    }
    const Registers& r = c_.before;
    if (is("retf") || is("iret")) {  // IP, CS, flags without TF, NT, VM, and AC, which Linux mistakes for a split lock; SP, SS
      const unsigned size = immediate_size();
      patch_number(r.gpr[rsp], landing(), size);
      patch_number(r.gpr[rsp] + size, code_selector(), 2);
      if (is("iret")) {
        patch_number(r.gpr[rsp] + 2 * size, random_.next() & ~0x6'4100ull, size);
        patch_number(r.gpr[rsp] + 3 * size, integer_value(random_), size);
        patch_number(r.gpr[rsp] + 4 * size, random_.percent(80) ? user_data : selector(), 2);
      }
      return;
    }
    if (string_row()) {
      std::vector<std::uint8_t> data(64);
      operand_bytes(random_, data);
      const std::uint64_t back = r.rflags & 0x400 ? 56 : 0;
      patch(r.gpr[rsi] - back, data);
      if (random_.percent(50)) data[random_.below(64)] ^= 1;
      patch(r.gpr[rdi] - back, data);
      if (is("rep") && (has("scas")) && random_.percent(60))
        patch(r.gpr[rdi] - back, std::vector<std::uint8_t>(64, static_cast<std::uint8_t>(r.gpr[0])));
    } else if (row_.attrs & attr::implicit_memory) {
      std::vector<std::uint8_t> data(80);
      operand_bytes(random_, data);
      patch(r.gpr[rsp], data);
      if (is("ret")) patch_number(r.gpr[rsp], landing(), 8);
      if (is("popf")) patch_number(r.gpr[rsp], random_.next() & ~0x4100ull, 8);  // neither TF nor NT
      if (is("pop ES") || is("pop SS") || is("pop DS")) patch_number(r.gpr[rsp], selector() | (random_.next() & ~0xffffull), 8);
      if (is("leave") || is("enter")) {
        operand_bytes(random_, data);
        patch(r.gpr[rbp], data);
      }
    }
  }

  const Row& row_;
  std::string_view name_;
  Random& random_;
  Case c_;
  bool p66_ = false, p67_ = false, lock_ = false;
  std::uint8_t rep_ = 0, segment_ = 0, rex_ = 0, opcode_ = 0, modrm_ = 0, sib_ = 0;
  bool has_sib_ = false, memory_ = false, rip_relative_ = false, branch_ = false;
  unsigned disp_bytes_ = 0, imm_bytes_ = 0;
  std::int64_t disp_ = 0;
  std::uint64_t imm_ = 0, target_ = 0;
};

}  // namespace

std::optional<Case> generate(const Row& row, unsigned bits, Random& random) {
  Case made = Generator(row, bits, random).make();
  if (excluded({row, bits, made.bytes})) return std::nullopt;
  return made;
}

}  // namespace lockstitch::differential
