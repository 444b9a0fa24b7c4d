// Finding a place by branches, with the counter replaced by single steps: on the interpreter, and on KVM where its
// steps are exact.
#include "vmm/engine/kvm/branch_point.h"

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/row.h"
#include "vmm/engine/kvm/kvm_engine.h"
#include "vmm/engine/kvm/verdict.h"

namespace lockstitch::kvm {

namespace {

/// A little RAM on whole pages, from 0.
class Ram final : public GuestMemory {
 public:
  Ram() : room_(bytes + page_bytes) {
    const auto start = reinterpret_cast<std::uintptr_t>(room_.data());
    first_ = room_.data() + (page_bytes - start % page_bytes) % page_bytes;
  }
  bool read(Gpa gpa, MutableBytes out) override {
    if (gpa + out.size() > bytes) return false;
    std::memcpy(out.data(), first_ + gpa, out.size());
    return true;
  }
  bool write(Gpa gpa, Bytes in) override {
    if (gpa + in.size() > bytes) return false;
    std::memcpy(first_ + gpa, in.data(), in.size());
    return true;
  }
  MemoryPage page(Gpa gpa) override {
    if (gpa >= bytes) return {};
    return {first_ + (gpa & ~page_mask), true};
  }
  std::vector<MappedRange> ranges() const override { return {{0, bytes, first_, true}}; }
  void mark_dirty(Gpa) override {}
  void observe(MemoryObserver&) override {}

 private:
  static constexpr std::size_t bytes = 64 << 10;
  std::vector<std::uint8_t> room_;
  std::uint8_t* first_ = nullptr;
};

class NoDoor final : public ExitDoor {
  ExitReply leave(const Exit& exit) override { return {0, false, exit.tick + 1}; }
};

constexpr std::uint64_t code_at = 0x7c00;

// Two loops, one in the other, with a branch that is taken now and then.
constexpr std::uint8_t program[] = {
    0xb9, 0x07, 0x00,  // outer: mov cx, 7
    0x01, 0xc8,        // inner: add ax, cx
    0xa8, 0x01,        //        test al, 1
    0x74, 0x01,        //        jz even
    0x43,              //        inc bx
    0x40,              // even:  inc ax
    0xe2, 0xf6,        //        loop inner
    0x42,              //        inc dx
    0xeb, 0xf0,        //        jmp outer
};

bool is_conditional(std::string_view name) {
  return name.starts_with("loop") || name.starts_with("jcxz") || (name.starts_with("j") && !name.starts_with("jmp"));
}

using MakeEngine = std::function<std::unique_ptr<Engine>(GuestMemory&)>;

class SteppedGuest final : public CountedGuest {
 public:
  SteppedGuest(const MakeEngine& make, std::uint64_t skid, std::uint64_t seed)
      : engine_(make(ram_)), decoder_(ram_), skid_(skid), random_(seed) {
    ram_.write(code_at, program);
    CpuState cpu = cpu_at_reset();
    Segment& code = cpu.segment[unsigned(SegmentName::cs)];
    code = {0, 0, 0xffff, 0x9b};
    cpu.rip = code_at;
    cpu.gpr = {};
    cpu.gpr[unsigned(Gpr::rsp)] = 0x7000;
    engine_->set_state(cpu);
  }

  BranchPoint here() override {
    const CpuState cpu = engine_->state();
    std::uint64_t hash = cpu.rflags;
    for (const std::uint64_t value : cpu.gpr) hash = (hash ^ value) * 0x100'0000'01b3;
    return {branches_, cpu.rip, cpu.gpr[unsigned(Gpr::rcx)], hash};
  }
  std::uint64_t skid() const override { return skid_; }
  void run_to_count(std::uint64_t branches) override {
    const std::uint64_t late = skid_ == 0 ? 0 : random_() % (skid_ + 1);
    while (branches_ < branches + late) step();
  }
  void run_to_instruction(std::uint64_t rip, std::uint64_t branches) override {
    do {
      step();
    } while (engine_->state().rip != rip && branches_ <= branches);
  }
  void step() override {
    decoder_.set_state(engine_->state());
    const interp::Row* row = decoder_.next_row();
    REQUIRE(row != nullptr);
    if (is_conditional(row->name)) ++branches_;
    RunRequest one;
    one.start = tick_;
    one.bound = tick_ + 1;
    tick_ = engine_->run(one, door_).tick;
  }

 private:
  Ram ram_;
  std::unique_ptr<Engine> engine_;
  interp::Interp decoder_;
  NoDoor door_;
  const std::uint64_t skid_;
  std::mt19937_64 random_;
  std::uint64_t branches_ = 0;
  Tick tick_;
};

void check_engine(const char* name, const MakeEngine& make) {
  CAPTURE(name);
  SteppedGuest first(make, 0, 1);
  std::vector<BranchPoint> path;
  for (int i = 0; i < 600; ++i, first.step()) path.push_back(first.here());
  std::mt19937_64 random(7);
  for (int i = 0; i < 40; ++i) {
    const std::size_t at = random() % path.size();
    CAPTURE(at);
    SteppedGuest guest(make, random() % 30, random());
    const Outcome there = go_to(guest, path[at]);
    REQUIRE_MESSAGE(there.ok(), there.error().text);
    CHECK(guest.here() == path[at]);
  }
}

}  // namespace

TEST_CASE("a place is found again by its branches, however late the counter's alarm comes") {
  check_engine("interp", [](GuestMemory& memory) { return std::make_unique<interp::Interp>(memory); });
  const auto report = probe();
  if (!report.ok() || !judge(report.value()).stepping.holds) {
    MESSAGE("skipped: KVM here steps not, or not exactly");
    return;
  }
  check_engine("kvm", [](GuestMemory& memory) -> std::unique_ptr<Engine> {
    KvmOptions options;
    options.ticks = TickUnit::instruction;
    auto made = KvmEngine::make(memory, options);
    REQUIRE_MESSAGE(made.ok(), made.error().text);
    return std::move(made).value();
  });
}

TEST_CASE(
    "a place that does not come, or lies behind, or is overrun by a late alarm, is an error and not a wrong place") {
  const MakeEngine make = [](GuestMemory& memory) { return std::make_unique<interp::Interp>(memory); };
  SteppedGuest guest(make, 4, 1);
  for (int i = 0; i < 100; ++i) guest.step();
  BranchPoint behind = guest.here();
  behind.branches -= 1;
  CHECK(go_to(guest, behind).error().text.find("lies behind") != std::string::npos);
  BranchPoint wrong = guest.here();
  wrong.branches += 20;
  wrong.registers ^= 1;
  CHECK(go_to(guest, wrong).error().text.find("passed it by") != std::string::npos);

  class LateGuest final : public CountedGuest {
   public:
    BranchPoint here() override { return {branches_, 1, 0, 0}; }
    std::uint64_t skid() const override { return 10; }
    void run_to_count(std::uint64_t branches) override { branches_ = branches + 11; }
    void run_to_instruction(std::uint64_t, std::uint64_t) override {}
    void step() override {}

   private:
    std::uint64_t branches_ = 0;
  } late;
  CHECK(go_to(late, {100, 1, 0, 0}).error().text.find("too late") != std::string::npos);
}

}  // namespace lockstitch::kvm
