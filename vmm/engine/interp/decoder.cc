// See decoder.h. Source: SDM 2A chapter 2 and appendix A.
#include "vmm/engine/interp/decoder.h"

#include <array>
#include <vector>

#include "vmm/engine/interp/fpu_state.h"

namespace lockstitch::interp {
namespace {

class Index {
 public:
  Index() {
    for (const Row& row : instruction_table()) {
      const unsigned step = row.attrs & attr::opcode_reg ? 8 : 1;
      for (unsigned i = 0; i < step; ++i) slot(row.map, row.opcode + i).push_back(&row);
    }
  }
  const std::vector<const Row*>& rows(Map map, std::uint8_t opcode) const { return rows_[unsigned(map) * 256 + opcode]; }

 private:
  std::vector<const Row*>& slot(Map map, unsigned opcode) { return rows_[unsigned(map) * 256 + opcode]; }
  std::array<std::vector<const Row*>, 4 * 256> rows_;
};

const Index& index() {
  static const Index instance;
  return instance;
}

struct Cursor {
  std::span<const std::uint8_t> bytes;
  unsigned at = 0;
  bool short_of = false;

  std::uint64_t take(unsigned count) {
    if (at + count > bytes.size()) {
      short_of = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
    at += count;
    return value;
  }
};

std::uint64_t sign_extend(std::uint64_t value, unsigned bytes) {
  const unsigned shift = 64 - 8 * bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

bool prefix_fits(const Row& row, bool p66, std::uint8_t rep) {
  switch (row.prefix) {
    case Prefix::any: return true;
    case Prefix::none: return !p66 && rep == 0;
    case Prefix::p66: return p66 && rep == 0;
    case Prefix::pf3: return rep == 0xf3;
    case Prefix::pf2: return rep == 0xf2;
  }
  return false;
}

std::uint8_t register_field(Field kind, unsigned number, bool rex) {
  switch (kind) {
    case Field::gpr: return static_cast<std::uint8_t>(number * 8);
    case Field::byte:
      if (!rex && number >= 4 && number < 8) return static_cast<std::uint8_t>((number - 4) * 8 + 1);
      return static_cast<std::uint8_t>(number * 8);
    case Field::number: return static_cast<std::uint8_t>(number);
  }
  return 0;
}

}  // namespace

DecodeResult decode(std::span<const std::uint8_t> bytes, std::uint32_t mode, std::int16_t off, Op& op) {
  const unsigned code = mode & mode_code_mask;
  const bool code64 = code == mode_code64;
  Cursor in{bytes.first(std::min<std::size_t>(bytes.size(), 15))};
  const auto incomplete = [&] {
    return DecodeResult{in.bytes.size() == 15 ? DecodeStatus::too_long : DecodeStatus::need_more, nullptr, false};
  };

  bool p66 = false, p67 = false, lock = false;
  std::uint8_t rep = 0, rex = 0;
  int seg_override = -1;
  std::uint8_t opcode = 0;
  for (;;) {
    opcode = static_cast<std::uint8_t>(in.take(1));
    if (in.short_of) return incomplete();
    bool is_prefix = true;
    switch (opcode) {
      case 0x66: p66 = true; break;
      case 0x67: p67 = true; break;
      case 0xf0: lock = true; break;
      case 0xf2:
      case 0xf3: rep = opcode; break;
      case 0x26: if (!code64) seg_override = es; break;
      case 0x2e: if (!code64) seg_override = cs; break;
      case 0x36: if (!code64) seg_override = ss; break;
      case 0x3e: if (!code64) seg_override = ds; break;
      case 0x64: seg_override = fs; break;
      case 0x65: seg_override = gs; break;
      default:
        if (code64 && (opcode & 0xf0) == 0x40) {
          rex = opcode;
          continue;  // a REX before another prefix is forgotten below
        }
        is_prefix = false;
    }
    if (!is_prefix) break;
    rex = 0;
  }

  Map map = Map::one;
  if (opcode == 0x0f) {
    map = Map::two;
    opcode = static_cast<std::uint8_t>(in.take(1));
    if (!in.short_of && (opcode == 0x38 || opcode == 0x3a)) {
      map = opcode == 0x38 ? Map::three38 : Map::three3a;
      opcode = static_cast<std::uint8_t>(in.take(1));
    }
    if (in.short_of) return incomplete();
  }

  const auto& candidates = index().rows(map, opcode);
  if (candidates.empty()) return {};
  // ModRM belongs to every candidate of an opcode or to none, but for rows told apart by mode.
  bool has_modrm = false;
  for (const Row* row : candidates) {
    if ((row->attrs & attr::only64 && !code64) || (row->attrs & attr::not64 && code64)) continue;
    has_modrm = row->attrs & attr::modrm;
    break;
  }
  std::uint8_t modrm = 0;
  if (has_modrm) {
    modrm = static_cast<std::uint8_t>(in.take(1));
    if (in.short_of) return incomplete();
  }
  const unsigned mod = modrm >> 6, digit = (modrm >> 3) & 7, rm = modrm & 7;
  const Row* row = nullptr;
  for (const Row* candidate : candidates) {
    const Row& r = *candidate;
    if ((r.attrs & attr::only64 && !code64) || (r.attrs & attr::not64 && code64)) continue;
    if (!prefix_fits(r, p66, rep)) continue;
    if (r.digit >= 0 && static_cast<unsigned>(r.digit) != digit) continue;
    if (r.mod == Mod::memory && mod == 3) continue;
    if (r.mod == Mod::reg && mod != 3) continue;
    if (r.rm >= 0 && static_cast<unsigned>(r.rm) != rm) continue;
    row = candidate;
    break;
  }
  if (!row) return {};

  Decoded d;
  d.row = row;
  d.mode = mode;
  d.opcode = opcode;
  d.modrm = modrm;
  d.rex = rex;
  d.p66 = p66;

  unsigned address = code64 ? (p67 ? 4 : 8) : (code == mode_code32) != p67 ? 4 : 2;
  unsigned size = 0;
  const unsigned plain = (code != mode_code16) != p66 ? 4 : 2;
  switch (row->size) {
    case Size::v: size = rex & 8 ? 8 : plain; break;
    case Size::b: size = 1; break;
    case Size::w: size = 2; break;
    case Size::d: size = 4; break;
    case Size::q: size = 8; break;
    case Size::y: size = rex & 8 ? 8 : 4; break;
    case Size::v64: size = code64 ? (p66 && !(rex & 8) ? 2 : 8) : plain; break;
    case Size::f64: size = code64 ? 8 : plain; break;
  }
  d.size = static_cast<std::uint8_t>(size);

  op = {};
  op.base = op.index = slot_zero;
  op.off = off;
  bool rip_relative = false;
  std::int64_t disp = 0;
  d.memory = has_modrm && mod != 3 && !(row->attrs & attr::always_reg);
  const unsigned rex_r = rex & 4 ? 8 : 0, rex_x = rex & 2 ? 8 : 0, rex_b = rex & 1 ? 8 : 0;
  unsigned segment = ds;
  if (has_modrm) {
    d.reg_number = static_cast<std::uint8_t>(digit | rex_r);
    d.rm_number = static_cast<std::uint8_t>(rm | rex_b);
    op.r = register_field(row->r_field, d.reg_number, rex);
    if (!d.memory) {
      op.m = register_field(row->m_field, d.rm_number, rex);
    } else if (address == 2) {
      static constexpr std::uint8_t base16[] = {3, 3, 5, 5, 6, 7, 5, 3}, index16[] = {6, 7, 6, 7, 16, 16, 16, 16};
      if (mod == 0 && rm == 6) {
        disp = static_cast<std::int64_t>(in.take(2));
      } else {
        op.base = static_cast<std::uint8_t>(base16[rm] * 8);
        op.index = static_cast<std::uint8_t>(index16[rm] * 8);
        if (base16[rm] == 5) segment = ss;
        if (mod == 1) disp = static_cast<std::int64_t>(sign_extend(in.take(1), 1));
        if (mod == 2) disp = static_cast<std::int64_t>(in.take(2));
      }
    } else {
      unsigned base = rm | rex_b;
      bool no_base = false;
      if (rm == 4) {
        const auto sib = static_cast<std::uint8_t>(in.take(1));
        const unsigned idx = ((sib >> 3) & 7) | rex_x;
        if (idx != 4) {
          op.index = static_cast<std::uint8_t>(idx * 8);
          op.scale = sib >> 6;
        }
        base = (sib & 7) | rex_b;
        no_base = (sib & 7) == 5 && mod == 0;
      } else if (rm == 5 && mod == 0) {
        no_base = true;
        rip_relative = code64;
      }
      if (!no_base) {
        op.base = static_cast<std::uint8_t>(base * 8);
        if (base == 4 || base == 5) segment = ss;
      }
      if (mod == 1) disp = static_cast<std::int64_t>(sign_extend(in.take(1), 1));
      if (mod == 2 || no_base) disp = static_cast<std::int64_t>(sign_extend(in.take(4), 4));
    }
  }
  if (row->attrs & attr::opcode_reg) {
    d.reg_number = static_cast<std::uint8_t>((opcode & 7) | rex_b);
    op.r = register_field(row->r_field, d.reg_number, rex);
  }
  op.seg = static_cast<std::uint8_t>(seg_override >= 0 ? seg_override : segment);

  std::int64_t branch = 0;
  switch (row->imm) {
    case Imm::none: break;
    case Imm::ib: op.imm = in.take(1); break;
    case Imm::ibs: op.imm = sign_extend(in.take(1), 1); break;
    case Imm::iw: op.imm = in.take(2); break;
    case Imm::iz: op.imm = size == 2 ? sign_extend(in.take(2), 2) : sign_extend(in.take(4), 4); break;
    case Imm::iv: op.imm = in.take(size); break;
    case Imm::iw_ib:
      op.imm = in.take(2);
      op.imm |= in.take(1) << 16;
      break;
    case Imm::offset: op.imm = in.take(address); break;
    case Imm::far: {
      const std::uint64_t offset = in.take(size == 2 ? 2 : 4);
      op.imm = offset | in.take(2) << 32;
      break;
    }
    case Imm::rel8: branch = static_cast<std::int64_t>(sign_extend(in.take(1), 1)); break;
    case Imm::relz: branch = static_cast<std::int64_t>(size == 2 ? sign_extend(in.take(2), 2) : sign_extend(in.take(4), 4)); break;
  }
  if (in.short_of) return incomplete();

  op.len = static_cast<std::uint8_t>(in.at);
  op.sizes = static_cast<std::uint8_t>(size | address << 4);
  if (row->imm == Imm::rel8 || row->imm == Imm::relz) op.imm = static_cast<std::uint64_t>(branch + off + op.len);
  DecodeResult result{DecodeStatus::ok, row, false};
  if (rip_relative) {
    op.base = slot_rip;
    disp += off + op.len;
    if (disp != static_cast<std::int32_t>(disp)) {
      result.wide_rip = true;
      return result;
    }
  }
  op.disp = static_cast<std::int32_t>(disp);

  if (lock && (!(row->attrs & attr::lock) || !d.memory)) return {};
  op.extra = static_cast<std::uint16_t>((rep == 0xf3 ? extra_rep : 0) | (rep == 0xf2 ? extra_repne : 0) | (lock ? extra_lock : 0) |
                                        (d.memory ? extra_mem : 0));
  d.fast = code64 && address == 8 && !(mode & mode_careful);
  if (row->attrs & (attr::x87 | attr::mmx | attr::sse)) {
    if (const Handler gate = fpu_gate(d)) {
      op.fn = gate;
      return result;
    }
  }
  op.fn = row->bind(d, op);
  if (!op.fn) return {};
  return result;
}

unsigned decode_length(std::span<const std::uint8_t> bytes, std::uint32_t mode) {
  Op op;
  const DecodeResult result = decode(bytes, mode, 0, op);
  if (result.wide_rip) return op.len;
  return result.status == DecodeStatus::ok ? op.len : 0;
}

}  // namespace lockstitch::interp
