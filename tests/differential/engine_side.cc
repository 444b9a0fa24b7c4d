// See engine_side.h. Source: SDM 3A 4.5 (paging), 5 and 6 (descriptors), Linux asm/segment.h (descriptor table).
#include "tests/differential/engine_side.h"

#include <cstring>

namespace lockstitch::differential {
namespace {

// Guest-physical places, and the supervisor's linear addresses: the same plus kernel_base.
constexpr Gpa gdt_at = 0x1000, idt_at = 0x2000, tss_at = 0x3000, handlers_at = 0x4000, stack_at = 0x5000, code_at = 0x6000,
              data_at = 0x8000, root_at = 0x10000, memory_bytes = 0x40000;
constexpr std::uint64_t kernel_base = 0xffff'8880'0000'0000;
constexpr std::uint64_t present = 1, writable = 2, user = 4, no_execute = 1ull << 63;
constexpr unsigned handler_bytes = 16, vectors = 32;
constexpr unsigned ticks_max = 8192;  // with AC set a REP instruction takes one tick for each element

bool has_code(unsigned vector) { return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17; }

class NoDoor final : public ExitDoor {
 public:
  ExitReply leave(const Exit& exit) override {
    // KVM keeps a copy of the task priority and asks for it.
    if (exit.kind == ExitKind::priority_read) return {0, false, exit.tick + 1};
    left = true;
    return {exit.address & 0xff, false, exit.tick + 1};
  }
  bool left = false;
};

}  // namespace

FlatMemory::FlatMemory(std::size_t bytes) : room_(bytes + page_bytes) {
  const auto start = reinterpret_cast<std::uintptr_t>(room_.data());
  bytes_ = std::span(room_).subspan((page_bytes - start % page_bytes) % page_bytes, bytes);
}

bool FlatMemory::read(Gpa gpa, MutableBytes out) {
  if (gpa > bytes_.size() || out.size() > bytes_.size() - gpa) return false;
  std::memcpy(out.data(), bytes_.data() + gpa, out.size());
  return true;
}
bool FlatMemory::write(Gpa gpa, Bytes in) {
  if (gpa > bytes_.size() || in.size() > bytes_.size() - gpa) return false;
  std::memcpy(bytes_.data() + gpa, in.data(), in.size());
  changed(gpa, in.size());
  return true;
}
MemoryPage FlatMemory::page(Gpa gpa) {
  const Gpa base = gpa & ~page_mask;
  if (base + page_bytes > bytes_.size()) return {};
  return {bytes_.data() + base, true};
}
void FlatMemory::changed(Gpa gpa, std::size_t length) {
  for (MemoryObserver* observer : observers_) observer->memory_written(gpa, length);
}

EngineSide::EngineSide(const Make& make) : memory_(memory_bytes), next_table_(root_at + page_bytes) {
  const auto put = [&](Gpa at, std::uint64_t value) { std::memcpy(memory_.at(at, 8).data(), &value, 8); };
  // Index 1 to 6 as Linux has them, accessed bits set; 8 and 9 are the TSS.
  put(gdt_at + 0x08, 0x00cf'9b00'0000'ffff);
  put(gdt_at + 0x10, 0x00af'9b00'0000'ffff);
  put(gdt_at + 0x18, 0x00cf'9300'0000'ffff);
  put(gdt_at + 0x20, 0x00cf'fb00'0000'ffff);
  put(gdt_at + 0x28, 0x00cf'f300'0000'ffff);
  put(gdt_at + 0x30, 0x00af'fb00'0000'ffff);
  for (unsigned v = 0; v < vectors; ++v) {
    const std::uint64_t target = kernel_base + handlers_at + v * handler_bytes;
    const std::uint64_t dpl = v == 3 || v == 4 ? 3 : 0;
    put(idt_at + v * 16, (target & 0xffff) | 0x10ull << 16 | (0x8e00ull | dpl << 13) << 32 | (target >> 16 & 0xffff) << 48);
    put(idt_at + v * 16 + 8, target >> 32);
    memory_.at(handlers_at + v * handler_bytes, 1)[0] = 0xf4;  // HLT
  }
  put(tss_at + 4, kernel_base + stack_at + page_bytes);
  put(tss_at + 0x60, 0x68ull << 48);  // no I/O bitmap

  for (Gpa at = gdt_at; at <= stack_at; at += page_bytes) map(kernel_base + at, at, writable);
  for (Gpa i = 0; i < code_bytes; i += page_bytes) map(code_base + i, code_at + i, user);
  map(data_base, data_at, user | no_execute);
  for (Gpa i = page_bytes; i < data_bytes; i += page_bytes) map(data_base + i, data_at + i, user | writable | no_execute);
  std::memset(memory_.at(code_at, code_bytes).data(), filler, code_bytes);
  engine_ = make ? make(memory_) : std::make_unique<interp::Interp>(memory_);
  memory_.observe(*engine_);
}

void EngineSide::map(std::uint64_t linear, Gpa gpa, std::uint64_t flags) {
  Gpa table = root_at;
  for (unsigned level = 3; level > 0; --level) {
    const Gpa slot = table + (linear >> (12 + 9 * level) & 511) * 8;
    std::uint64_t entry = 0;
    std::memcpy(&entry, memory_.at(slot, 8).data(), 8);
    if (!(entry & present)) {
      entry = next_table_ | present | writable | user;
      next_table_ += page_bytes;
      std::memcpy(memory_.at(slot, 8).data(), &entry, 8);
    }
    table = entry & 0xf'ffff'f000;
  }
  const std::uint64_t entry = gpa | flags | present;
  std::memcpy(memory_.at(table + (linear >> 12 & 511) * 8, 8).data(), &entry, 8);
}

std::span<std::uint8_t> EngineSide::data() { return memory_.at(data_at, data_bytes); }
void EngineSide::data_changed() { memory_.changed(data_at, data_bytes); }

CpuState EngineSide::initial(const Case& which) const {
  const Registers& r = which.before;
  CpuState s;
  s.gpr = r.gpr;
  s.rip = r.rip;
  s.rflags = (r.rflags & 0x4'0cd5) | 0x202;
  const Segment data{user_data, 0, 0xffff'ffff, 0xc0f3};
  const Segment none{0, 0, 0, 0x1'0000};
  const auto at = [&](SegmentName name) -> Segment& { return s.segment[unsigned(name)]; };
  at(SegmentName::es) = at(SegmentName::ds) = at(SegmentName::ss) = data;
  at(SegmentName::cs) = which.bits == 64 ? Segment{user_code64, 0, 0xffff'ffff, 0xa0fb} : Segment{user_code32, 0, 0xffff'ffff, 0xc0fb};
  at(SegmentName::fs) = at(SegmentName::gs) = none;
  at(SegmentName::gs).base = gs_base;
  at(SegmentName::ldtr) = {0, 0, 0, 0x1'0082};
  at(SegmentName::tr) = {0x40, kernel_base + tss_at, 0x67, 0x8b};
  s.gdtr = {kernel_base + gdt_at, 0x7f};
  s.idtr = {kernel_base + idt_at, vectors * 16 - 1};
  s.cr0 = 0x8005'0033;
  s.cr3 = root_at;
  s.cr4 = 0x620;
  s.dr[6] = 0xffff'0ff0;
  s.dr[7] = 0x400;
  s.efer = 0xd01;
  s.st = r.st;
  s.fpu_control = r.fpu_control;
  s.fpu_status = r.fpu_status;
  s.fpu_tag = r.fpu_tag;
  s.xmm = r.xmm;
  s.mxcsr = r.mxcsr;
  return s;
}

Outcome EngineSide::run(const Case& which) {
  Outcome outcome;
  const Gpa at = code_at + (which.before.rip - code_base);
  const std::size_t room = std::min<std::size_t>(which.bytes.size(), code_base + code_bytes - which.before.rip);
  std::memcpy(memory_.at(at, room).data(), which.bytes.data(), room);
  memory_.changed(at, room);

  engine_->set_state(initial(which));
  NoDoor door;
  std::uint64_t tick = 1000;
  CpuState s;
  bool ended = false;
  for (unsigned i = 0; i < ticks_max && !ended; ++i, ++tick) {
    RunRequest request;
    request.start = {tick};
    request.bound = {tick + 1};
    const Exit exit = engine_->run(request, door);
    s = engine_->state();
    if (exit.kind == ExitKind::shutdown) {
      outcome.trouble = "triple fault";
      break;
    }
    const bool kernel = (s.segment[unsigned(SegmentName::ss)].attributes >> 5 & 3) == 0;
    const bool own = s.rip - which.before.rip < which.bytes.size();
    outcome.exception = kernel;
    ended = kernel || (!own && s.rip - code_base < code_bytes);
  }
  if (door.left) outcome.trouble = "left through the door";
  if (!ended && outcome.trouble.empty()) outcome.trouble = "does not end";
  std::memset(memory_.at(at, room).data(), filler, room);
  memory_.changed(at, room);

  Registers& r = outcome.after;
  r.gpr = s.gpr;
  r.rip = s.rip;
  r.rflags = s.rflags;
  for (unsigned i = 0; i < 4; ++i) r.selector[i] = s.segment[i].selector;
  r.xmm = s.xmm;
  r.mxcsr = s.mxcsr;
  r.st = s.st;
  r.fpu_control = s.fpu_control;
  r.fpu_status = s.fpu_status;
  r.fpu_tag = s.fpu_tag;
  if (outcome.exception && outcome.trouble.empty()) {
    outcome.vector = static_cast<unsigned>((s.rip - kernel_base - handlers_at) / handler_bytes);
    Gpa frame = s.gpr[4] - kernel_base;
    if (outcome.vector >= vectors || frame < stack_at || frame + 40 > stack_at + page_bytes) {
      outcome.trouble = "an exception went astray";
      return outcome;
    }
    const auto pop = [&] {
      std::uint64_t value = 0;
      std::memcpy(&value, memory_.at(frame, 8).data(), 8);
      frame += 8;
      return value;
    };
    if (has_code(outcome.vector)) outcome.error_code = static_cast<std::uint32_t>(pop());
    if (outcome.vector == 14) outcome.fault_address = s.cr2;
    r.rip = pop();
    r.selector[1] = static_cast<std::uint16_t>(pop());
    r.rflags = pop();
    r.gpr[4] = pop();
    r.selector[2] = static_cast<std::uint16_t>(pop());
  }
  return outcome;
}

}  // namespace lockstitch::differential
