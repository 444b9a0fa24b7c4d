// See engines.h.
#include "tests/contract/engine/engines.h"

#include <cstdio>

#include "vmm/engine/interp/exit_counting.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/kvm/kvm_engine.h"
#include "vmm/engine/kvm/verdict.h"

namespace lockstitch::test {

namespace {

EngineUnderTest on_kvm(std::string name, TickUnit ticks) {
  EngineUnderTest engine;
  engine.name = std::move(name);
  engine.ticks = ticks;
  engine.pae = false;
  engine.make = [ticks](GuestMemory& memory) -> std::unique_ptr<Engine> {
    kvm::KvmOptions options;
    options.ticks = ticks;
    auto made = kvm::KvmEngine::make(memory, options);
    if (!made.ok()) assertion_failed(__FILE__, __LINE__, made.error().text.c_str());
    return std::move(made).value();
  };
  return engine;
}

}  // namespace

std::vector<EngineUnderTest> engines() {
  std::vector<EngineUnderTest> list;
  EngineUnderTest reference;
  reference.name = "interp";
  reference.ticks = TickUnit::instruction;
  reference.make = [](GuestMemory& memory) -> std::unique_ptr<Engine> {
    return std::make_unique<interp::Interp>(memory);
  };
  list.push_back(std::move(reference));
  EngineUnderTest by_exits;
  by_exits.name = "interp by exits";
  by_exits.ticks = TickUnit::exit;
  by_exits.make = [](GuestMemory& memory) -> std::unique_ptr<Engine> {
    return std::make_unique<interp::ExitCounting>(memory, interp::CpuModel{});
  };
  list.push_back(std::move(by_exits));

  static const std::string missing = [] {
    const auto report = kvm::probe();
    std::string why;
    if (!report.ok()) {
      why = report.error().text;
    } else if (const kvm::Verdict verdict = kvm::judge(report.value()); !verdict.sound) {
      why = verdict.faults.front();
    }
    if (!why.empty()) std::printf("skipped: the engines on KVM: %s\n", why.c_str());
    return why;
  }();
  if (!missing.empty()) return list;
  list.push_back(on_kvm("kvm by host time", TickUnit::host_ns));
  list.push_back(on_kvm("kvm by exits", TickUnit::exit));
  list.push_back(on_kvm("kvm by instructions", TickUnit::instruction));
  return list;
}

}  // namespace lockstitch::test
