// See engine_rig.h.
#include "tests/contract/engine/engine_rig.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace lockstitch::test {
namespace {

constexpr std::uint64_t ns_per_s = 1'000'000'000;

/// After so many runs and so many ticks without what a test waits for, it fails.
constexpr unsigned patience_runs = 100;
/// Unit: ticks.
std::uint64_t patience(TickUnit ticks) {
  switch (ticks) {
    case TickUnit::instruction:
      return 300'000;
    case TickUnit::exit:
      return 30'000;
    case TickUnit::host_ns:
      return 20 * ns_per_s;
  }
  return 0;
}

std::uint64_t usual_length(TickUnit ticks) {
  switch (ticks) {
    case TickUnit::instruction:
      return 1000;
    case TickUnit::exit:
      return 3;
    case TickUnit::host_ns:
      return 200'000;
  }
  return 0;
}

bool is_priority(ExitKind kind) { return kind == ExitKind::priority_read || kind == ExitKind::priority_write; }
bool is_write(ExitKind kind) {
  return kind == ExitKind::port_write || kind == ExitKind::memory_write || kind == ExitKind::msr_write ||
         kind == ExitKind::priority_write;
}
bool is_end(ExitKind kind) { return kind < ExitKind::port_read; }

class CpuImage final : public Stateful {
 public:
  explicit CpuImage(const CpuState& state) : state_(state) {}
  void visit(StateVisitor& visitor) override { state_.visit(visitor); }

 private:
  CpuState state_;
};

}  // namespace

std::string_view name_of(ExitKind kind) {
  switch (kind) {
    case ExitKind::bound:
      return "bound";
    case ExitKind::interrupt_window:
      return "interrupt_window";
    case ExitKind::halted:
      return "halted";
    case ExitKind::shutdown:
      return "shutdown";
    case ExitKind::watched:
      return "watched";
    case ExitKind::port_read:
      return "port_read";
    case ExitKind::port_write:
      return "port_write";
    case ExitKind::memory_read:
      return "memory_read";
    case ExitKind::memory_write:
      return "memory_write";
    case ExitKind::msr_read:
      return "msr_read";
    case ExitKind::msr_write:
      return "msr_write";
    case ExitKind::priority_read:
      return "priority_read";
    case ExitKind::priority_write:
      return "priority_write";
    default:
      return "another kind";
  }
}

std::string text_of(const Exit& exit) {
  char text[80];
  std::string line(name_of(exit.kind));
  std::snprintf(text, sizeof text, " %llx", static_cast<unsigned long long>(exit.address));
  line += text;
  const bool has_width = exit.kind == ExitKind::port_read || exit.kind == ExitKind::port_write ||
                         exit.kind == ExitKind::memory_read || exit.kind == ExitKind::memory_write;
  if (has_width) line += "/" + std::to_string(exit.width);
  if (is_write(exit.kind)) {
    std::snprintf(text, sizeof text, " = %llx", static_cast<unsigned long long>(exit.value));
    line += text;
  }
  return line;
}

std::uint64_t pattern(std::uint64_t address, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= (((address + i) * 7 + 3) & 0xff) << (8 * i);
  return value;
}

void RigDoor::begin(const RunRequest& request) {
  last_ = request.start;
  bound_ = request.bound;
  counted_ = 0;
}

ExitReply RigDoor::leave(const Exit& exit) {
  const std::string text = text_of(exit);
  CAPTURE(text);
  CHECK_FALSE(is_end(exit.kind));
  CHECK(exit.tick.value >= last_.value);
  if (ticks_ != TickUnit::exit) CHECK(exit.tick.value < bound_.value);
  if (exit.kind == ExitKind::port_read || exit.kind == ExitKind::port_write) {
    CHECK((exit.width == 1 || exit.width == 2 || exit.width == 4));
    CHECK((exit.value & ~ones(exit.width)) == 0);
  }
  if (exit.kind == ExitKind::memory_read || exit.kind == ExitKind::memory_write) {
    CHECK((exit.width == 1 || exit.width == 2 || exit.width == 4 || exit.width == 8));
    CHECK((exit.value & ~ones(exit.width)) == 0);
  }
  last_ = exit.tick;
  ExitReply reply;
  if (is_priority(exit.kind)) {
    if (exit.kind == ExitKind::priority_write) {
      CHECK(exit.value < 16);
      priority = exit.value;
    }
    reply.value = priority;
    reply.bound = std::max(bound_, exit.tick + 1);
    return reply;
  }
  seen.push_back(exit);
  ++counted_;
  if (!is_write(exit.kind)) {
    if (!values.empty()) {
      reply.value = values.front();
      values.pop_front();
    } else {
      reply.value = pattern(exit.address, exit.width == 0 ? 8 : exit.width);
    }
  }
  reply.bound = std::max(bound_, exit.tick + 1);
  if (answer) answer(exit, reply);
  bound_ = reply.bound;
  return reply;
}

std::string RigDoor::text() const {
  std::string all;
  for (const Exit& exit : seen) all += text_of(exit) + "\n";
  return all;
}

EngineRig::EngineRig(const EngineUnderTest& under_test)
    : kind(under_test), engine(kind.make(memory)), door(kind.ticks) {
  memory.observe(*engine);
}

Exit EngineRig::run(std::uint64_t length, RunRequest request) {
  request.start = tick;
  request.bound = tick + length;
  request.clock = clock;
  const bool halts_again = engine->activity() == Activity::halted && !request.interrupt && !request.nmi;
  door.begin(request);
  const Exit exit = engine->run(request, door);
  tick = exit.tick;

  const std::string end(name_of(exit.kind));
  CAPTURE(end);
  CHECK(is_end(exit.kind));
  CHECK(exit.kind != ExitKind::watched);
  CHECK(exit.tick.value >= request.start.value);
  if (exit.kind == ExitKind::bound) {
    if (kind.ticks == TickUnit::exit)
      CHECK(exit.tick.value >= door.bound().value);
    else
      CHECK(exit.tick.value == door.bound().value);
  } else if (kind.ticks != TickUnit::exit) {
    CHECK(exit.tick.value <= door.bound().value);
  }
  if (kind.ticks == TickUnit::exit && !halts_again) {
    const std::uint64_t ticks = door.counted() + (exit.kind == ExitKind::halted ? 1 : 0);
    CHECK(exit.tick - request.start == ticks);
  }
  if (exit.kind == ExitKind::interrupt_window) {
    CHECK(request.want_window);
    CHECK(engine->accepts_interrupt());
  }
  if (exit.kind == ExitKind::halted) CHECK(engine->activity() == Activity::halted);
  if (exit.kind == ExitKind::shutdown) CHECK(engine->activity() == Activity::shutdown);
  if (exit.kind == ExitKind::bound) CHECK(engine->activity() == Activity::running);
  return exit;
}

Exit EngineRig::run_until(ExitKind end, RunRequest request) {
  const Tick last = tick + patience(kind.ticks);
  for (unsigned runs = 0;; ++runs) {
    const Exit exit = run(next_length ? next_length() : usual_length(kind.ticks), request);
    request.interrupt.reset();
    request.nmi = false;
    if (exit.kind == end) return exit;
    if (exit.kind != ExitKind::bound || (tick > last && runs > patience_runs)) {
      const std::string wanted(name_of(end)), got(name_of(exit.kind)), place = where();
      FAIL("a run ends as ", got, " and not as ", wanted, ", ", place);
    }
    if (at_bound) at_bound();
  }
}

void EngineRig::run_until_seen(std::size_t exits) {
  const Tick last = tick + patience(kind.ticks);
  for (unsigned runs = 0; door.seen.size() < exits; ++runs) {
    const Exit exit = run(next_length ? next_length() : kind.ticks == TickUnit::exit ? 1 : usual_length(kind.ticks));
    if (exit.kind == ExitKind::bound && (tick <= last || runs <= patience_runs)) continue;
    const std::string got(name_of(exit.kind)), place = where();
    FAIL("a run ends as ", got, " before enough has left through the door, ", place);
  }
}

void EngineRig::go_to(std::uint64_t rip) {
  change([rip](CpuState& s) {
    s.rip = rip;
    s.activity = Activity::running;
  });
}

std::string EngineRig::where() const {
  const CpuState s = engine->state();
  char text[120];
  std::snprintf(text, sizeof text, "at RIP %llx, RSP %llx, RFLAGS %llx, CR2 %llx, tick %llu",
                static_cast<unsigned long long>(s.rip), static_cast<unsigned long long>(s.gpr[4]),
                static_cast<unsigned long long>(s.rflags), static_cast<unsigned long long>(s.cr2),
                static_cast<unsigned long long>(tick.value));
  std::string all = text;
  if (!door.seen.empty()) all += ", last exit " + text_of(door.seen.back());
  return all;
}

StateImage EngineRig::comparable(CpuState state) const {
  if (kind.ticks == TickUnit::host_ns) state.tsc_offset = 0;
  return image_of(state);
}

std::uint64_t short_length(TickUnit ticks, std::uint64_t random) {
  switch (ticks) {
    case TickUnit::instruction:
      return 1 + random % 40;
    case TickUnit::exit:
      return 1 + random % 3;
    case TickUnit::host_ns:
      return 1 + random % 300'000;
  }
  return 1;
}

std::uint64_t endless_length(TickUnit ticks) {
  return ticks == TickUnit::host_ns ? 100 * ns_per_s : ticks == TickUnit::exit ? 1'000'000 : 100'000'000;
}

StateImage image_of(const CpuState& state) {
  CpuImage image(state);
  return save(image);
}

}  // namespace lockstitch::test
