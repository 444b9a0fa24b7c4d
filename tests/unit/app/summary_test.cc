// The summary as JSON.
#include "vmm/app/summary.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "lockstitch/limits.h"

using namespace lockstitch;
using namespace lockstitch::app;

namespace {

Summary example() {
  Summary summary;
  summary.end_reason = "power_off";
  summary.seed = (1ull << 53) - 1;
  summary.rtc_start = "2020-01-01T00:00:00Z";
  summary.engine = "interp";
  summary.clock = ClockMode::unpaced;
  summary.guest_memory_bytes = 1 << 20;
  summary.machine.emplace();
  summary.machine->end = {Tick{5}, VirtualNs{7}};
  summary.machine->digest = {1, 2};
  summary.machine->counters = {{"alarms", 3}};
  summary.machine->exits = {{"halted", 4}};
  return summary;
}

}  // namespace

TEST_CASE("a summary tells how the run ended, in numbers that a script can read") {
  const auto json = nlohmann::json::parse(to_json(example()));
  CHECK(json["end_reason"] == "power_off");
  CHECK(json["exit_code"] == 0);
  CHECK(json["ticks"] == 5);
  CHECK(json["virtual_ns"] == 7);
  CHECK(json["final_digest"] == "00000000000000010000000000000002");
  CHECK(json["seed"] == 9007199254740991);
  CHECK(json["clock"] == "virtual");
  CHECK(json["counters"]["alarms"] == 3);
  CHECK(json["counters"]["exits"]["halted"] == 4);
  CHECK(json["memory"]["monitor_bytes"].is_null());
}

TEST_CASE("a summary of a run that ended without its machine leaves out what nobody knows") {
  Summary summary = example();
  summary.machine.reset();
  const auto json = nlohmann::json::parse(to_json(summary));
  CHECK(json["end_reason"] == "power_off");
  CHECK_FALSE(json.contains("ticks"));
  CHECK_FALSE(json.contains("final_digest"));
}

TEST_CASE("memory that the guest wrote is told from memory that it only read") {
  Memory memory(64 << 20);
  const std::uint8_t byte = 1;
  for (Gpa gpa = 0; gpa < 8 << 20; gpa += page_bytes) REQUIRE(memory.write(gpa, {&byte, 1}));
  std::uint8_t read = 0;
  for (Gpa gpa = 16 << 20; gpa < 32 << 20; gpa += page_bytes) REQUIRE(memory.read(gpa, {&read, 1}));
  const HostUsage usage = host_usage(memory);
  CHECK(usage.peak_rss_bytes >= 8 << 20);
  if (!usage.guest_resident_bytes) {
    std::puts("skipped: guest memory in use, which this host does not tell (no /proc/self/pagemap)");
    return;
  }
#ifndef LOCKSTITCH_SANITIZED  // a sanitiser's allocator writes to what it hands out
  CHECK(*usage.guest_resident_bytes == 8 << 20);
#endif
  CHECK(*usage.monitor_bytes > 0);
}
