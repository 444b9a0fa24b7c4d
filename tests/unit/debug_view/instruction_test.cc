// Instructions as text in every mode, and lines of an instruction trace.
#include <doctest/doctest.h>

#include <functional>
#include <initializer_list>

#include "tests/unit/interp/rig.h"
#include "vmm/debug/instruction_line.h"
#include "vmm/debug/instruction_text.h"

namespace lockstitch::test {
namespace {

using debug::instruction_text;
using debug::make_step;
using debug::StepKind;
using debug::SymbolTable;
using debug::trace_line;
using debug::TraceFormat;

CpuState code64(std::uint64_t rip) {
  CpuState cpu;
  cpu.cr0 = 0x8000'0011;
  cpu.efer = 0x500;
  cpu.segment[unsigned(SegmentName::cs)].attributes = 0xa09b;
  cpu.rip = rip;
  return cpu;
}

std::string text_of(const CpuState& cpu, std::initializer_list<std::uint8_t> bytes,
                    const SymbolTable* symbols = nullptr) {
  const std::vector<std::uint8_t> code(bytes);
  return instruction_text(cpu, code, symbols).text;
}

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  INFO(std::string(part));
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

/// Visits a state and changes the field of one number.
class Changer final : public StateVisitor {
 public:
  explicit Changer(unsigned which) : which_(which) {}
  void enter(std::string_view) override {}
  void leave() override {}
  void number(std::string_view name, std::uint64_t& value, unsigned) override {
    if (next_++ != which_) return;
    value ^= 1;
    changed = name;
  }
  void bytes(std::string_view name, MutableBytes value) override {
    if (next_++ != which_) return;
    value[3] ^= 0x10;
    changed = name;
  }
  void blob(std::string_view, std::vector<std::uint8_t>&, std::size_t) override {}
  bool loading() const override { return true; }
  void fail(std::string_view) override {}
  std::string changed;

 private:
  const unsigned which_;
  unsigned next_ = 0;
};

}  // namespace

TEST_CASE("the same bytes are other instructions in 16, 32 and 64 bits") {
  CpuState cpu = code64(0x1000);
  CHECK(text_of(cpu, {0x48, 0x89, 0xe5}) == "mov rbp, rsp");
  cpu.segment[unsigned(SegmentName::cs)].attributes = 0xc09b;
  CHECK(text_of(cpu, {0x48, 0x89, 0xe5}) == "dec eax");
  CHECK(text_of(cpu, {0xb8, 1, 0, 0, 0}) == "mov eax, 0x1");
  cpu = cpu_at_reset();
  CHECK(text_of(cpu, {0x48, 0x89, 0xe5}) == "dec ax");
  CHECK(instruction_text(cpu, std::vector<std::uint8_t>{0xb8, 1, 0, 0, 0}, nullptr).bytes == 3);
}

TEST_CASE("what is no instruction, or ends too early, is (bad)") {
  CHECK(text_of(code64(0), {0x06}) == "(bad)");  // push es
  CHECK(text_of(code64(0), {0xe8, 0, 0}) == "(bad)");
  CHECK(text_of(code64(0), {}) == "(bad)");
}

TEST_CASE("targets of branches and addresses of data are named") {
  const SymbolTable symbols({{0x1000, 't', "here"}, {0x2000, 't', "there"}, {0x10, 'd', "low"}});
  CHECK(text_of(code64(0x1000), {0xe8, 0x0d, 0x10, 0, 0}, &symbols) == "call 0x2012 <there+0x12>");
  CHECK(text_of(code64(0x1000), {0xe8, 0x0d, 0x10, 0, 0}) == "call 0x2012");
  CHECK(text_of(code64(0x1000), {0x75, 0xfe}, &symbols) == "jnz 0x1000 <here>");
  has(text_of(code64(0x1000), {0x48, 0x8b, 0x05, 0xf9, 0x0f, 0, 0}, &symbols), " <there>");
  const std::string per_cpu = text_of(code64(0x1000), {0x65, 0x48, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0}, &symbols);
  has(per_cpu, "gs:");
  CHECK(per_cpu.find("low") == std::string::npos);
}

TEST_CASE("a line says where, what and only what changed") {
  Rig rig;
  rig.put(place::code, {0x48, 0x31, 0xc0});  // xor rax, rax
  CpuState before = rig.initial(3);
  before.gpr[unsigned(Gpr::rax)] = 5;
  CpuState after = before;
  after.rip += 3;
  after.gpr[unsigned(Gpr::rax)] = 0;
  after.rflags = 0x246;
  const auto step = make_step(rig.memory, before, after, {Tick{77}, 2}, {Tick{78}, 0});
  CHECK(step.kind == StepKind::instruction);
  const SymbolTable symbols({{place::code, 't', "begin"}});
  const std::string line = trace_line(step, TraceFormat::text, &symbols);
  CHECK(line.starts_with("77+2 64/3 0x10000 <begin> 4831c0           xor rax, rax "));
  CHECK(line.ends_with("| rax=0x0 rflags=0x246[PF ZF IF]"));
  CHECK(trace_line(step, TraceFormat::json, &symbols) ==
        R"({"tick": 77, "delivered": 2, "kind": "instruction", "mode": "64", "cpl": 3, "rip": "0x10000", )"
        R"("linear": "0x10000", "bytes": "4831c0", "text": "xor rax, rax", "symbol": "begin", "next": "0x10003", )"
        R"("changed": {"rax": "0x0", "rflags": "0x246"}})");
}

TEST_CASE("a line in real mode shows segment and offset") {
  RigMemory memory(1 << 20);
  memory.write(0x7c03, std::vector<std::uint8_t>{0xeb, 0xfe});
  CpuState cpu = cpu_at_reset();
  cpu.segment[unsigned(SegmentName::cs)] = {0x07c0, 0x7c00, 0xffff, 0x9b};
  cpu.rip = 3;
  const auto step = make_step(memory, cpu, cpu, {Tick{1}, 0}, {Tick{2}, 0});
  CHECK(trace_line(step, TraceFormat::text, nullptr) == "1 real/0 07c0:0003 ebfe             jmp 0x3");
}

TEST_CASE("every register of the CPU but RIP is shown when it changes") {
  const Rig rig;
  RigMemory memory(1 << 16);
  const CpuState before = rig.initial();
  for (unsigned i = 0;; ++i) {
    CpuState after = before;
    Changer changer(i);
    after.visit(changer);
    if (changer.changed.empty()) {
      CHECK(i > 100);
      break;
    }
    INFO("field ", changer.changed);
    const auto line = [&](const CpuState& state) {
      return trace_line(make_step(memory, before, state, {Tick{1}, 0}, {Tick{2}, 0}), TraceFormat::text, nullptr);
    };
    CHECK((line(after) == line(before)) == (changer.changed == "rip"));
  }
}

TEST_CASE("wide registers are shown with their highest byte first") {
  Rig rig;
  const CpuState before = rig.initial();
  CpuState after = before;
  after.xmm[3][0] = 0xab;
  after.xmm[3][15] = 1;
  after.st[0][9] = 0x3f;
  has(trace_line(make_step(rig.memory, before, after, {Tick{1}, 0}, {Tick{2}, 0}), TraceFormat::text, nullptr),
      " xmm3=0x010000000000000000000000000000ab st0=0x3f000000000000000000");
}

TEST_CASE("a delivery is told from an instruction, and its vector from the handler") {
  Rig rig;
  rig.put(place::code, {0x0f, 0x0b});  // ud2
  const CpuState before = rig.initial();
  const auto deliver = [&](unsigned vector) {
    CpuState after = before;
    after.rip = place::handlers + vector * 16;
    return make_step(rig.memory, before, after, {Tick{5}, 0}, {Tick{5}, 1});
  };
  CHECK(deliver(6).kind == StepKind::exception);
  CHECK(deliver(6).vector == 6);
  CHECK(deliver(0x40).kind == StepKind::interrupt);
  CHECK(deliver(2).kind == StepKind::interrupt);
  CHECK(trace_line(deliver(6), TraceFormat::text, nullptr) == "5 64/0 0x10000 (exception #UD to 0xb060)");
  CHECK(trace_line(deliver(0x40), TraceFormat::text, nullptr) == "5 64/0 0x10000 (interrupt 0x40 to 0xb400)");
  CHECK(trace_line(deliver(2), TraceFormat::text, nullptr) == "5 64/0 0x10000 (interrupt NMI to 0xb020)");
  has(trace_line(deliver(14), TraceFormat::json, nullptr), R"("kind": "exception", )");
  has(trace_line(deliver(14), TraceFormat::json, nullptr), R"("vector": 14, )");
}

TEST_CASE("a handler that several vectors share is no guess") {
  Rig rig;
  const CpuState before = rig.initial();
  CpuState after = before;
  after.rip = place::handlers + 0x30 * 16;
  rig.put64(place::idt + 0x31 * 16, rig.get64(place::idt + 0x30 * 16));
  const auto step = make_step(rig.memory, before, after, {Tick{5}, 0}, {Tick{5}, 1});
  CHECK(step.kind == StepKind::delivery);
  CHECK_FALSE(step.vector);
  CHECK(trace_line(step, TraceFormat::text, nullptr) == "5 64/0 0x10000 (delivery to 0xb300)");
}

TEST_CASE("what the interpreter delivers is what the line says") {
  Rig rig;
  rig.put(place::code, {0x0f, 0x0b});
  const CpuState before = rig.engine->state();
  RunRequest request;
  request.single = true;
  const Tick begin = rig.tick;
  REQUIRE(rig.run(10, request).kind == ExitKind::watched);
  const auto step = make_step(rig.memory, before, rig.engine->state(), {begin, 0}, {rig.tick, rig.engine->delivered()});
  CHECK(step.kind == StepKind::exception);
  CHECK(step.vector == 6);
}

TEST_CASE("a CPU that stands still waits, and what wakes it is a delivery") {
  Rig rig;
  CpuState before = rig.initial();
  before.activity = Activity::halted;
  const auto waits = make_step(rig.memory, before, before, {Tick{5}, 0}, {Tick{500}, 0});
  CHECK(trace_line(waits, TraceFormat::text, nullptr) == "5 64/0 0x10000 (waits)");
  CpuState after = before;
  after.activity = Activity::running;
  after.rip = place::handlers + 0x20 * 16;
  const auto woken = make_step(rig.memory, before, after, {Tick{5}, 0}, {Tick{500}, 1});
  CHECK(woken.kind == StepKind::interrupt);
  CHECK(woken.vector == 0x20);
}

TEST_CASE("code that cannot be read is (bad), without bytes") {
  Rig rig;
  CpuState before = rig.initial();
  before.rip = 0x7000'0000;
  CHECK(trace_line(make_step(rig.memory, before, before, {Tick{5}, 0}, {Tick{6}, 0}), TraceFormat::text, nullptr) ==
        "5 64/0 0x70000000 (bad)");
}

TEST_CASE("a trace begins with its format and version") {
  CHECK(debug::trace_header(TraceFormat::text).starts_with("# lockstitch instructions, version 1: "));
  CHECK(
      debug::trace_header(TraceFormat::json).starts_with("{\"format\": \"lockstitch instructions\", \"version\": 1,"));
}

}  // namespace lockstitch::test
