// See program.h.
#include "tests/unit/interp/program.h"

#include <algorithm>
#include <cstdio>

#include "tests/differential/exclusions.h"
#include "tests/differential/generator.h"
#include "tests/differential/layout.h"

namespace lockstitch::test {
namespace {

using namespace differential;

// One instruction in each slot, the rest NOPs. The slots are shifted against the pages so that one reaches across.
constexpr unsigned slot_bytes = 16, first_slot = 8, slots = code_bytes / slot_bytes - 1;
// Guest-physical places of the user's pages.
constexpr Gpa user_table = 0x8000, user_code = 0x10'0000, user_data = 0x11'0000;
// Linear addresses beyond the generator's: the table of these very pages, and a device.
constexpr std::uint64_t table_view = 0x1002'0000, device_view = 0x1002'1000;

class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::vector<std::uint8_t> code() {
    code_.assign(first_slot, 0x90);
    while (code_.size() < first_slot + (slots - 1) * slot_bytes) {
      const std::uint64_t kind = random_.below(100);
      if (kind < 6)
        table_store();
      else if (kind < 10)
        code_store();
      else if (kind < 13)
        device_access();
      else if (kind < 15)
        slot({0x9c, 0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00, 0x9d});  // sets TF
      else if (kind < 17)
        slot({0x48, 0xbc}, writable_base + 0x1000 + random_.below(0x800), 8);  // a good RSP
      else
        instruction();
    }
    code_.resize(first_slot + (slots - 1) * slot_bytes);
    const std::uint64_t back = 0 - (code_.size() + 5);
    slot({0xe9}, back, 4);
    return std::move(code_);
  }

 private:
  void slot(std::vector<std::uint8_t> bytes, std::uint64_t number = 0, unsigned size = 0) {
    for (unsigned i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    bytes.resize(slot_bytes, 0x90);
    code_.insert(code_.end(), bytes.begin(), bytes.end());
  }

  void instruction() {
    const auto table = interp::instruction_table();
    const interp::Row& row = table[random_.below(table.size())];
    if (row.attrs & interp::attr::not64) return;
    const auto made = generate(row, 64, random_);
    if (!made || made->bytes.size() > slot_bytes) return;
    // The registers that the generator aimed at memory.
    for (unsigned i = 0; i < 16; ++i) {
      const std::uint64_t value = made->before.gpr[i];
      if (value - (data_base - 0x10000) > 0x30000) continue;
      slot({static_cast<std::uint8_t>(i < 8 ? 0x48 : 0x49), static_cast<std::uint8_t>(0xb8 | (i & 7))}, value, 8);
    }
    slot(made->bytes);
  }
  // mov qword [entry], one of the user's frames with random permissions
  void table_store() {
    const std::uint64_t page = (data_base >> 12 & 511) + random_.below(4);
    const std::uint64_t frame = user_data + random_.below(4) * page_bytes;
    const std::uint64_t entry = frame | (random_.percent(90) ? 5 : random_.below(8)) | (random_.percent(80) ? 2 : 0) | (random_.next() & 0x60);
    slot({0x48, 0xc7, 0x04, 0x25}, (table_view + 8 * page) | entry << 32, 8);
  }
  void code_store() {
    const std::uint64_t at = code_base + random_.below(code_bytes - 8);
    static constexpr std::uint32_t words[] = {0x90909090, 0xc0ff4890, 0x01c38348, 0xd8f7d0f7, 0x0b0f9090};
    slot({0xc7, 0x04, 0x25}, at | std::uint64_t{random_.pick(words)} << 32, 8);
  }
  void device_access() {
    const std::uint64_t at = device_view + random_.below(64) * 4;
    if (random_.percent(50))
      slot({0x8b, 0x04, 0x25}, at, 4);  // mov eax, [device]
    else
      slot({0x01, 0x1c, 0x25}, at, 4);  // add [device], ebx
  }

  Random& random_;
  std::vector<std::uint8_t> code_;
};

void set_up(Rig& rig, const Program& program) {
  for (Gpa at = 0; at < place::memory_bytes; at += page_bytes) rig.put64(Rig::pte(at), at | 3);
  rig.put64(place::pd + 8 * (code_base >> 21), user_table | 7);
  const auto map = [&](std::uint64_t linear, Gpa gpa, std::uint64_t flags) { rig.put64(user_table + 8 * (linear >> 12 & 511), gpa | flags); };
  for (Gpa i = 0; i < code_bytes; i += page_bytes) map(code_base + i, user_code + i, 7);
  map(data_base, user_data, 5);
  for (Gpa i = page_bytes; i < data_bytes; i += page_bytes) map(data_base + i, user_data + i, 7);
  map(table_view, user_table, 7);
  map(device_view, 0x4000'0000, 7);
  rig.memory.write(user_code, program.code);
  std::vector<std::uint8_t> data(data_bytes);
  Random random(5);
  for (auto& byte : data) byte = static_cast<std::uint8_t>(random.next());
  rig.memory.write(user_data, data);
  for (unsigned v = 0; v < 256; ++v) {
    const Gpa at = place::handlers + v * 16;
    const bool code = v == 8 || (v >= 10 && v <= 14) || v == 17;
    if (v == 1)  // #DB: and dword [rsp+16], ~100h; iretq
      rig.put(at, {0x81, 0x64, 0x24, 0x10, 0xff, 0xfe, 0xff, 0xff, 0x48, 0xcf});
    else if (v >= 32)  // iretq
      rig.put(at, {0x48, 0xcf});
    else  // on to the next slot: a common tail, with or without an error code
      rig.put(at, {0xe9, static_cast<std::uint8_t>((code ? 0 : 4) + 256 * 16 - v * 16 - 5), static_cast<std::uint8_t>(((code ? 0 : 4) + 256 * 16 - v * 16 - 5) >> 8), 0, 0});
  }
  rig.put(place::handlers + 256 * 16, {0x48, 0x83, 0xc4, 0x08,                          // add rsp, 8
                                       0x83, 0x04, 0x24, 0x08,                          // add dword [rsp], 8
                                       0x81, 0x24, 0x24, 0xf0, 0x1f, 0x00, 0x00,        // and dword [rsp], 1ff0h
                                       0x81, 0x0c, 0x24, 0x08, 0x00, 0x00, 0x10,        // or dword [rsp], 10000008h: wherever it was, back into the code
                                       0xc7, 0x44, 0x24, 0x04, 0x00, 0x00, 0x00, 0x00,  // mov dword [rsp+4], 0
                                       0x48, 0xcf});                                    // iretq
}

std::string text_of(const Exit& exit) {
  char text[120];
  std::snprintf(text, sizeof text, "exit kind %u width %u address %llx value %llx tick %llu", unsigned(exit.kind), exit.width,
                static_cast<unsigned long long>(exit.address), static_cast<unsigned long long>(exit.value),
                static_cast<unsigned long long>(exit.tick.value));
  return text;
}

}  // namespace

Program random_program(std::uint64_t seed, std::uint64_t ticks) {
  Random random(seed);
  Program program;
  program.code = Writer(random).code();
  CpuState& s = program.start;
  s = Rig().initial(3);
  for (auto& value : s.gpr) value = random.next() >> random.below(64);
  s.gpr[4] = writable_base + 0x1800;
  s.rip = code_base;
  s.rflags = 0x202 | (random.percent(50) ? 0x3000 : 0);
  s.cr0 |= random.percent(50) ? 0x4'0000 : 0;
  for (std::uint64_t tick = random.below(100); tick < ticks; tick += 1 + random.below(200)) {
    Event event;
    event.tick = tick;
    event.interrupt = random.percent(60);
    event.vector = static_cast<std::uint8_t>(random.between(0x40, 0x4f));
    if (!event.interrupt) {
      event.bytes.resize(random.between(1, 64));
      for (auto& byte : event.bytes) byte = static_cast<std::uint8_t>(random.next());
      event.at = random.percent(70) ? user_data + random.below(data_bytes - 64) : user_code + random.below(code_bytes - 64);
      if (random.percent(15)) {  // the entry of a data page
        event.at = user_table + 8 * ((data_base >> 12 & 511) + random.below(4));
        const std::uint64_t entry = (user_data + random.below(4) * page_bytes) | 7;
        event.bytes.resize(8);
        std::memcpy(event.bytes.data(), &entry, 8);
      }
    }
    program.events.push_back(event);
  }
  return program;
}

Ending run_program(const Program& program, std::uint64_t ticks, const Manner& manner) {
  Rig rig;
  set_up(rig, program);
  rig.engine->set_state(program.start);
  rig.tick = {0};
  rig.clock = {2, 1000};
  Random random(manner.seed);
  std::vector<std::string> exits;
  rig.door.answer = [&](const Exit& exit, ExitReply& reply) {
    exits.push_back(text_of(exit));
    reply.value = (exit.address * 0x9e37'79b9 + exit.tick.value) * 0x85eb'ca6b;
    if (random.percent(manner.shorten_percent)) reply.bound = rig.door.bound = exit.tick + 1;
  };
  std::size_t next = 0;
  bool wanted = false;
  std::uint8_t vector = 0;
  while (rig.tick.value < ticks) {
    for (; next < program.events.size() && program.events[next].tick <= rig.tick.value; ++next) {
      const Event& event = program.events[next];
      if (event.interrupt) {
        wanted = true;
        vector = event.vector;
      } else {
        rig.memory.write(event.at, event.bytes);
      }
    }
    std::uint64_t end = ticks;
    if (next < program.events.size()) end = std::min(end, program.events[next].tick);
    std::uint64_t length = end - rig.tick.value;
    if (manner.longest < length) length = random.between(1, manner.longest);
    RunRequest request;
    if (wanted && rig.engine->accepts_interrupt()) {
      request.interrupt = vector;
      wanted = false;
    }
    request.want_window = wanted;
    const Exit exit = rig.run(length, request);
    if (exit.kind == ExitKind::shutdown || exit.kind == ExitKind::halted) break;
    if (random.percent(manner.reload_percent)) rig.engine->set_state(rig.engine->state());
    if (random.percent(manner.drop_percent)) rig.engine->drop_caches();
    if (random.percent(manner.remap_percent)) random.percent(50) ? rig.engine->memory_remapped() : rig.engine->dirty_cleared();
  }
  Ending ending;
  const CpuState s = rig.engine->state();
  ending.lines = StateText::of(s);
  ending.lines.push_back("tick " + std::to_string(rig.tick.value));
  ending.lines.insert(ending.lines.end(), exits.begin(), exits.end());
  ending.memory = rig.memory.bytes();
  if (s.rip - code_base < code_bytes) {
    char where[32];
    std::snprintf(where, sizeof where, "%llx ", static_cast<unsigned long long>(s.rip));
    const Gpa at = user_code + (s.rip - code_base);
    const std::size_t room = std::min<std::size_t>(15, user_code + code_bytes - at);
    for (std::size_t i = 0; i < room; ++i) {
      char byte[8];
      std::snprintf(byte, sizeof byte, "%02x ", ending.memory[at + i]);
      ending.at += byte;
    }
    ending.at = where + disassemble(std::span(ending.memory).subspan(at, room), 64, s.rip) + "   " + ending.at;
  }
  return ending;
}

}  // namespace lockstitch::test
