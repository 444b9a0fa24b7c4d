// What is concluded from what a probe has found.
#include "vmm/engine/kvm/verdict.h"

#include <doctest/doctest.h>

#include <functional>

namespace lockstitch::kvm {

namespace {

Report sound() {
  Report report;
  report.backend = Backend::svm;
  report.kernel_speed = report.user_speed = 3'000'000'000;
  for (Finding* each : {&report.system_call, &report.kernel_instructions, &report.dirty_log}) each->holds = true;
  return report;
}

bool any_says(const std::vector<std::string>& sentences, const std::string& part) {
  for (const std::string& each : sentences) {
    if (each.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a host whose KVM does what processors do is sound, without counters, offsets or steps") {
  const Verdict verdict = judge(sound());
  CHECK(verdict.sound);
  CHECK(verdict.faults.empty());
  CHECK(verdict.cures.empty());
}

TEST_CASE("each thing that guests need and do not get makes KVM unsound, and is named") {
  struct Case {
    const char* says;
    std::function<void(Report&)> make;
  };
  const std::vector<Case> cases{
      {"code in ring 0 does not run", [](Report& r) { r.kernel_speed = 0; }},
      {"code in ring 3 does not run", [](Report& r) { r.user_speed = 0; }},
      {"ring 0 is emulated, at 4 million", [](Report& r) { r.kernel_speed = 4'000'000; }},
      {"ring 3 is emulated, at 99 million", [](Report& r) { r.user_speed = hardware_speed_min - 1; }},
      {"SYSCALL does not enter ring 0 (why)",
       [](Report& r) {
         r.system_call = {false, "why"};
       }},
      {"not every instruction works in ring 0", [](Report& r) { r.kernel_instructions.holds = false; }},
      {"the log of written pages is wrong", [](Report& r) { r.dirty_log.holds = false; }},
  };
  for (const Case& each : cases) {
    CAPTURE(each.says);
    Report report = sound();
    each.make(report);
    const Verdict verdict = judge(report);
    CHECK(!verdict.sound);
    CHECK(any_says(verdict.faults, each.says));
    CHECK(verdict.faults.size() == 1);
  }
}

TEST_CASE("who can change something is told what") {
  Report report = sound();
  report.branch_counter = {false, "not permitted (kernel.perf_event_paranoid)"};
  CHECK(any_says(judge(report).cures, "sysctl kernel.perf_event_paranoid=1"));
  report = sound();
  report.backend = Backend::pvm;
  CHECK(judge(report).cures.empty());
  report.system_call.holds = false;
  CHECK(any_says(judge(report).cures, "kvm_intel or kvm_amd"));
}

}  // namespace lockstitch::kvm
