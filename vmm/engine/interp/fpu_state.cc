// See fpu_state.h. Source: SDM 1 8.1, 8.3, 10.2.3, 10.5.1; SDM 2A FXSAVE, FXRSTOR, FSTENV, FSAVE.
// Canonical: FIP, FDP and FOP are always stored as zero; processors differ in when they record them.
#include "vmm/engine/interp/fpu_state.h"

#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/interp.h"

namespace lockstitch::interp {

constinit thread_local Cpu* x87_owner = nullptr;

namespace {

/// What a process starts with; the engine's own code computes with nothing else.
constexpr std::uint32_t process_mxcsr = 0x1f80;

/// FSAVE image, 32-bit protected-mode format.
struct [[gnu::packed]] SaveImage {
  std::uint32_t control, status, tag, pointers[4];
  struct [[gnu::packed]] Register {
    std::uint64_t mantissa;
    std::uint16_t sign_exponent;
  } st[8];
};
static_assert(sizeof(SaveImage) == 108);

struct FxImage {
  std::uint16_t control, status;
  std::uint8_t tag, reserved;
  std::uint16_t opcode;
  std::uint64_t instruction, data;
  std::uint32_t mxcsr, mxcsr_mask;
  St st[8];
  Xmm xmm[16];
  std::uint8_t rest[96];
};
static_assert(sizeof(FxImage) == 512);

std::uint32_t host_value(std::uint32_t guest) {
  return (guest & (fpu::mxcsr_daz | fpu::mxcsr_rc | fpu::mxcsr_ftz)) | fpu::mxcsr_masks;
}

unsigned top(const Cpu& cpu) { return cpu.fpu_status >> 11 & 7; }

// The full tag word: 0 valid, 1 zero, 2 special, 3 empty.
std::uint16_t full_tag(const Cpu& cpu) {
  unsigned word = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned exponent = cpu.st[i].sign_exponent & 0x7fff;
    unsigned tag = 0;
    if (!(cpu.fpu_tag >> i & 1))
      tag = 3;
    else if (exponent == 0 && cpu.st[i].mantissa == 0)
      tag = 1;
    else if (exponent == 0 || exponent == 0x7fff || !(cpu.st[i].mantissa >> 63))
      tag = 2;
    word |= tag << (2 * i);
  }
  return static_cast<std::uint16_t>(word);
}

std::uint8_t abridged_tag(unsigned full) {
  unsigned tag = 0;
  for (unsigned i = 0; i < 8; ++i)
    if ((full >> (2 * i) & 3) != 3) tag |= 1u << i;
  return static_cast<std::uint8_t>(tag);
}

void device_not_available(Cpu& cpu, const Op* op) {
  cpu.op = op;
  raise(cpu, Vector::nm);
}
void undefined(Cpu& cpu, const Op* op) {
  cpu.op = op;
  raise(cpu, Vector::ud);
}

// Memory operands longer than 16 bytes, with every fault before the first byte moves.
void read_image(Cpu& cpu, const Op* op, void* out, unsigned size, bool aligned) {
  cpu.op = op;
  const std::uint64_t linear = linear_for_read(cpu, op->seg, operand_offset(cpu, op), size);
  if (aligned && (linear & 15)) raise(cpu, Vector::gp, 0);
  for (unsigned at = 0; at < size; at += 16)
    read_linear(cpu, linear + at, static_cast<std::uint8_t*>(out) + at, size - at < 16 ? size - at : 16);
}
std::uint64_t check_image(Cpu& cpu, const Op* op, unsigned size, bool aligned) {
  cpu.op = op;
  const std::uint64_t linear = linear_for_write(cpu, op->seg, operand_offset(cpu, op), size);
  if (aligned && (linear & 15)) raise(cpu, Vector::gp, 0);
  check_write_linear(cpu, linear, size);
  return linear;
}
void write_image(Cpu& cpu, std::uint64_t linear, const void* in, unsigned size) {
  for (unsigned at = 0; at < size; at += 16)
    write_linear(cpu, linear + at, static_cast<const std::uint8_t*>(in) + at, size - at < 16 ? size - at : 16);
}

// ---- environment: 14 bytes with 16-bit operand size, else 28 ----

unsigned environment_bytes(const Op* op) { return operand_size(op) == 2 ? 14 : 28; }

void put_environment(const Cpu& cpu, const Op* op, std::uint8_t* out) {
  const std::uint16_t words[3] = {cpu.fpu_control, cpu.fpu_status, full_tag(cpu)};
  std::memset(out, 0, environment_bytes(op));
  if (operand_size(op) == 2) {
    std::memcpy(out, words, 6);
    return;
  }
  // Reserved upper halves read as ones, where a format has them.
  std::uint32_t dwords[7] = {};
  for (unsigned i = 0; i < 3; ++i) dwords[i] = 0xffff'0000u | words[i];
  if (cpu.real_or_v86())
    dwords[3] = dwords[5] = 0xffff'0000u;
  else
    dwords[6] = 0xffff'0000u;
  std::memcpy(out, dwords, 28);
}

void take_environment(Cpu& cpu, const Op* op, const std::uint8_t* in) {
  const unsigned step = operand_size(op) == 2 ? 2 : 4;
  std::uint16_t words[3];
  for (unsigned i = 0; i < 3; ++i) std::memcpy(&words[i], in + i * step, 2);
  cpu.fpu_control = x87_control(words[0]);
  cpu.fpu_status = x87_status(words[1], cpu.fpu_control);
  cpu.fpu_tag = abridged_tag(words[2]);
}

[[gnu::noinline]] void store_environment(Cpu& cpu, const Op* op) {
  x87_leave(cpu);
  std::uint8_t image[28];
  const std::uint64_t linear = check_image(cpu, op, environment_bytes(op), false);
  put_environment(cpu, op, image);
  cpu.fpu_control |= fpu::exceptions;
  cpu.fpu_status = x87_status(cpu.fpu_status, cpu.fpu_control);
  write_image(cpu, linear, image, environment_bytes(op));
}

[[gnu::noinline]] void load_environment(Cpu& cpu, const Op* op) {
  x87_leave(cpu);
  if (cpu.fpu_status & fpu::status_es) x87_meet_pending(cpu, op);
  std::uint8_t image[28];
  read_image(cpu, op, image, environment_bytes(op), false);
  take_environment(cpu, op, image);
}

[[gnu::noinline]] void store_all(Cpu& cpu, const Op* op) {
  x87_leave(cpu);
  const unsigned head = environment_bytes(op);
  std::uint8_t image[108];
  const std::uint64_t linear = check_image(cpu, op, head + 80, false);
  put_environment(cpu, op, image);
  for (unsigned i = 0; i < 8; ++i) std::memcpy(image + head + 10 * i, &cpu.st[(top(cpu) + i) & 7], 10);
  cpu.fpu_control = 0x37f;
  cpu.fpu_status = 0;
  cpu.fpu_tag = 0;
  write_image(cpu, linear, image, head + 80);
}

[[gnu::noinline]] void load_all(Cpu& cpu, const Op* op) {
  x87_leave(cpu);
  if (cpu.fpu_status & fpu::status_es) x87_meet_pending(cpu, op);
  const unsigned head = environment_bytes(op);
  std::uint8_t image[108];
  read_image(cpu, op, image, head + 80, false);
  take_environment(cpu, op, image);
  for (unsigned i = 0; i < 8; ++i) std::memcpy(&cpu.st[(top(cpu) + i) & 7], image + head + 10 * i, 10);
}

[[gnu::noinline]] void store_fx(Cpu& cpu, const Op* op) {
  x87_leave(cpu);
  const std::uint64_t linear = check_image(cpu, op, 512, true);
  FxImage image{};
  image.control = cpu.fpu_control;
  image.status = cpu.fpu_status;
  image.tag = cpu.fpu_tag;
  image.mxcsr = guest_mxcsr(cpu);
  image.mxcsr_mask = fpu::mxcsr_valid;
  for (unsigned i = 0; i < 8; ++i) std::memcpy(&image.st[i], &cpu.st[(top(cpu) + i) & 7], 10);
  std::memcpy(image.xmm, cpu.xmm, sizeof image.xmm);
  write_image(cpu, linear, &image, cpu.code64() ? 416 : 288);
}

// Returns true if the mode changed.
[[gnu::noinline]] bool load_fx(Cpu& cpu, const Op* op) {
  FxImage image;
  read_image(cpu, op, &image, 512, true);
  if (image.mxcsr & ~fpu::mxcsr_valid) raise(cpu, Vector::gp, 0);
  x87_leave(cpu);
  cpu.fpu_control = x87_control(image.control);
  cpu.fpu_status = x87_status(image.status, cpu.fpu_control);
  cpu.fpu_tag = image.tag;
  for (unsigned i = 0; i < 8; ++i) std::memcpy(&cpu.st[(top(cpu) + i) & 7], &image.st[i], 10);
  std::memcpy(cpu.xmm, image.xmm, cpu.code64() ? 256 : 128);
  return set_guest_mxcsr(cpu, image.mxcsr);
}

[[gnu::noinline]] bool load_mxcsr(Cpu& cpu, const Op* op) {
  const auto value = load<std::uint32_t>(cpu, op);
  if (value & ~fpu::mxcsr_valid) raise(cpu, Vector::gp, 0);
  return set_guest_mxcsr(cpu, value);
}

[[gnu::noinline]] void store_mxcsr(Cpu& cpu, const Op* op) { store(cpu, op, guest_mxcsr(cpu)); }

}  // namespace

Handler fpu_gate(const Decoded& d) {
  const std::uint32_t attrs = d.row->attrs;
  const bool ts = d.mode & mode_ts, em = d.mode & mode_em;
  if (attrs & attr::sse) {
    if (em || (d.mode & mode_no_sse)) return undefined;
    if (ts) return device_not_available;
  }
  if (attrs & attr::mmx) {
    if (em) return undefined;
    if (ts) return device_not_available;
  }
  if (attrs & attr::x87) {
    const bool fwait = d.row->map == Map::one && d.row->opcode == 0x9b;
    if (fwait ? ts && (d.mode & mode_mp) : ts || em) return device_not_available;
  }
  return nullptr;
}

void enter_guest_float(Cpu& cpu) { set_host_mxcsr(host_value(cpu.mxcsr)); }

void leave_guest_float(Cpu& cpu) {
  x87_leave(cpu);
  cpu.mxcsr |= host_mxcsr() & fpu::exceptions;
  set_host_mxcsr(process_mxcsr);
}

std::uint32_t guest_mxcsr(Cpu& cpu) { return cpu.mxcsr | (host_mxcsr() & fpu::exceptions); }

bool set_guest_mxcsr(Cpu& cpu, std::uint32_t value) {
  const bool was_masked = (cpu.mxcsr & fpu::mxcsr_masks) == fpu::mxcsr_masks;
  const bool is_masked = (value & fpu::mxcsr_masks) == fpu::mxcsr_masks;
  cpu.mxcsr = value;
  set_host_mxcsr(host_value(value));
  if (was_masked == is_masked) return false;
  mode_changed(cpu);
  return true;
}

void x87_enter(Cpu& cpu) {
  SaveImage image{};
  image.control = cpu.fpu_control;
  image.status = cpu.fpu_status;
  for (unsigned i = 0; i < 8; ++i) {
    if (!(cpu.fpu_tag >> i & 1)) image.tag |= 3u << (2 * i);
    const St& st = cpu.st[(top(cpu) + i) & 7];
    image.st[i] = {st.mantissa, st.sign_exponent};
  }
  // Loading a pending exception does not trap; the next waiting instruction would, and those look first.
  asm volatile("frstor %0" : : "m"(image));
  x87_owner = &cpu;
}

void x87_save(Cpu& cpu) {
  SaveImage image;
  asm volatile("fnsave %0" : "=m"(image));
  x87_owner = nullptr;
  cpu.fpu_control = static_cast<std::uint16_t>(image.control);
  cpu.fpu_status = static_cast<std::uint16_t>(image.status);
  cpu.fpu_tag = abridged_tag(image.tag);
  for (unsigned i = 0; i < 8; ++i) {
    St& st = cpu.st[(top(cpu) + i) & 7];
    st.mantissa = image.st[i].mantissa;
    st.sign_exponent = image.st[i].sign_exponent;
  }
}

void x87_meet_pending(Cpu& cpu, const Op* op) {
  if (cpu.cr0 & cr0::ne) {
    cpu.op = op;
    raise(cpu, Vector::mf);
  }
  x87_leave(cpu);
  cpu.fpu_status &= static_cast<std::uint16_t>(~(fpu::exceptions | fpu::status_es | fpu::status_busy));
}

void fxsave(Cpu& cpu, const Op* op) {
  store_fx(cpu, op);
  LS_FINISH(cpu, op);
}
void fxrstor(Cpu& cpu, const Op* op) {
  if (load_fx(cpu, op)) LS_LEAVE(cpu, op, next_rip(cpu, op));
  LS_FINISH(cpu, op);
}
void fnstenv(Cpu& cpu, const Op* op) {
  store_environment(cpu, op);
  LS_FINISH(cpu, op);
}
void fldenv(Cpu& cpu, const Op* op) {
  load_environment(cpu, op);
  LS_FINISH(cpu, op);
}
void fnsave(Cpu& cpu, const Op* op) {
  store_all(cpu, op);
  LS_FINISH(cpu, op);
}
void frstor(Cpu& cpu, const Op* op) {
  load_all(cpu, op);
  LS_FINISH(cpu, op);
}
void ldmxcsr(Cpu& cpu, const Op* op) {
  if (load_mxcsr(cpu, op)) LS_LEAVE(cpu, op, next_rip(cpu, op));
  LS_FINISH(cpu, op);
}
void stmxcsr(Cpu& cpu, const Op* op) {
  store_mxcsr(cpu, op);
  LS_FINISH(cpu, op);
}

}  // namespace lockstitch::interp
