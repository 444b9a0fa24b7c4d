// Every test guest, the four ways; and that neither digests nor checkpoints can be seen.
#include "tests/e2e/four_way/four_way.h"

#include <doctest/doctest.h>
#include <signal.h>

#include "tests/e2e/cli/flat_guest.h"
#include "tests/replay/guests/guest_header.h"

namespace lockstitch::test {

Account check_replay(const std::string& trace, const std::vector<std::string>& flags, const std::string& digest) {
  const Account replay = run_with_summary(joined({"replay", trace, "--quiet"}, flags));
  CHECK_MESSAGE(replay.exit_code == 0, replay.err);
  CHECK(replay.summary.at("replay").at("complete") == true);
  CHECK(digest_of(replay) == digest);
  return replay;
}

Account check_four_ways(const std::vector<std::string>& guest, const std::string& trace) {
  const Account live = run_with_summary(joined({"run", "--quiet"}, guest));
  const Account recorded = run_with_summary(joined({"record", "--quiet", "-o", trace}, guest));
  CHECK_MESSAGE(recorded.exit_code == live.exit_code, recorded.err);
  CHECK(recorded.summary.at("end_reason") == live.summary.at("end_reason"));
  CHECK(ticks_of(recorded) == ticks_of(live));
  CHECK(digest_of(recorded) == digest_of(live));

  check_replay(trace, {"--check"}, digest_of(live));
  const std::string middle = std::to_string(ticks_of(live) / 2);
  const Outcome checkpoint = run({"checkpoint", trace, "--at", middle});
  CHECK_MESSAGE(checkpoint.exit_code == 0, checkpoint.err);
  const Account half = check_replay(trace, {"--from", middle, "--check"}, digest_of(live));
  CHECK(half.summary.at("replay").at("started_at_tick") == ticks_of(live) / 2);
  return recorded;
}

/// One guest waits a second for its clock, port access by port access: half a minute of ours.
constexpr std::uint64_t longest_ticks = 50'000'000;

TEST_CASE("every test guest is the same live, recorded, replayed, and replayed from a checkpoint in the middle") {
  const auto headers = read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests");
  REQUIRE(headers.size() > 30);
  const TemporaryFolder folder;
  for (const GuestHeader& header : headers) {
    CAPTURE(header.name);
    const bool flat = header.boot == "flat";
    std::vector<std::string> guest{"--kernel",
                                   built_guest(header.name + (flat ? ".bin" : ".elf")),
                                   "--memory",
                                   std::to_string(header.memory_mib) + "M",
                                   "--clock",
                                   "virtual",
                                   "--seed",
                                   "1",
                                   "--no-reboot",
                                   "--serial",
                                   "none",
                                   "--stop-at-tick",
                                   std::to_string(std::min(header.ticks_max, longest_ticks))};
    if (flat) {
      guest.push_back("--flat");
    } else {
      guest = joined(guest, {"--append", "a test guest"});
    }
    const Account recorded = check_four_ways(guest, folder.file(header.name));

    // Another cadence of digests, and checkpoints all along, change nothing.
    const std::string cadence = std::to_string(ticks_of(recorded) / 7 + 1);
    const Account other = run_with_summary(
        joined({"run", "--quiet", "--digest-every", cadence, "--digests", folder.file("digests")}, guest));
    CHECK(digest_of(other) == digest_of(recorded));
    const std::string every = std::to_string(1 + ticks_of(recorded) / 10'000'000) + "ms";  // some ten of them
    const Account dense = run_with_summary(
        joined({"record", "--quiet", "-o", folder.file(header.name + "-dense"), "--checkpoint-every", every}, guest));
    CHECK(digest_of(dense) == digest_of(recorded));
  }
}

TEST_CASE("what a person types is replayed, and the trace tells it") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace");
  const auto kernel = folder.file("kernel.bin", FlatGuest().print('?').exit_with_input().bytes());
  const Outcome recorded = run(
      {"record", "-o", trace, "--quiet", "--kernel", kernel, "--flat", "--memory", "16M", "--serial", "stdio"}, "A");
  CHECK(recorded.exit_code == 'A');
  const Outcome replay = run({"replay", trace, "--console", "--check"});
  CHECK_MESSAGE(replay.exit_code == 0, replay.err);
  CHECK(replay.out == recorded.out);
  const Outcome shown = run({"trace", "show", trace, "--json"});
  CHECK(shown.exit_code == 0);
  std::uint64_t last = 0, inputs = 0;
  for (std::size_t at = 0, end = 0; at < shown.out.size(); at = end + 1) {
    end = shown.out.find('\n', at);
    const auto entry = nlohmann::json::parse(shown.out.substr(at, end - at));
    CHECK(entry.at("tick") >= last);
    last = entry.at("tick");
    inputs += entry.at("kind") == "arrival" ? 1 : 0;
  }
  CHECK(inputs == 1);
  CHECK(run({"trace", "diff", trace, trace}).exit_code == 0);
  const Outcome stats = run({"trace", "stats", trace, "--json"});
  CHECK(nlohmann::json::parse(stats.out).at("input_bytes") == 1);
  const Outcome verified = run({"trace", "verify", trace, "--json"});
  CHECK(verified.exit_code == 0);
  for (const auto& part : nlohmann::json::parse(verified.out)) CHECK(part.at("ok") == true);

  // Another byte is another recording.
  const std::string other = folder.file("other");
  run({"record", "-o", other, "--quiet", "--kernel", kernel, "--flat", "--memory", "16M", "--serial", "stdio"}, "B");
  CHECK(run({"trace", "diff", trace, other}).exit_code == 81);
}

TEST_CASE("a signal ends a recording in good order, and its trace is complete") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace");
  const auto kernel = folder.file("kernel.bin", FlatGuest().print('?').spin().bytes());
  Program recorder({"record", "-o", trace, "--quiet", "--kernel", kernel, "--flat", "--memory", "16M"});
  recorder.wait_for_output("?");
  recorder.signal(SIGTERM);
  CHECK(recorder.wait() == 82);
  const Account replay = run_with_summary({"replay", trace, "--check"});
  CHECK_MESSAGE(replay.exit_code == 0, replay.err);
  CHECK(replay.summary.at("replay").at("complete") == true);
}

TEST_CASE("a replay stops exactly where it is told to, each time in the same state") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace");
  const auto kernel = folder.file("kernel.bin", FlatGuest().print('?').spin().bytes());
  REQUIRE(run({"record", "-o", trace, "--quiet", "--kernel", kernel, "--flat", "--memory", "16M", "--clock", "virtual",
               "--serial", "none", "--stop-at-tick", "3000000"})
              .exit_code == 0);
  for (const char* tick : {"1", "77777", "2999999"}) {
    const Account first = run_with_summary({"replay", trace, "--to", tick});
    CHECK(first.exit_code == 0);
    CHECK(std::to_string(ticks_of(first)) == tick);
    CHECK(first.summary.at("end_reason") == "stop_tick");
    CHECK(digest_of(run_with_summary({"replay", trace, "--to", tick})) == digest_of(first));
  }
  CHECK(run({"replay", trace, "--to", "3000001"}).exit_code == 64);
  CHECK(run({"replay", trace, "--from", "9", "--to", "5"}).exit_code == 64);
}

TEST_CASE("a changed kernel is named, and the old one found in a folder that is named") {
  const TemporaryFolder folder, trace_folder;
  const std::string trace = trace_folder.file("trace");
  const auto bytes = FlatGuest().print('?').exit(3).bytes();
  const auto kernel = folder.file("kernel.bin", bytes);
  REQUIRE(run({"record", "-o", trace, "--quiet", "--kernel", kernel, "--flat", "--memory", "16M"}).exit_code == 3);
  std::filesystem::remove_all(trace + "/images");
  folder.file("kernel.bin", FlatGuest().print('!').exit(3).bytes());
  const Outcome changed = run({"replay", trace});
  CHECK(changed.exit_code == 65);
  CHECK(changed.err.find(kernel) != std::string::npos);
  std::filesystem::remove(kernel);
  CHECK(run({"replay", trace}).exit_code == 66);
  const TemporaryFolder elsewhere;
  elsewhere.file("kernel.bin", bytes);
  CHECK(run({"replay", trace, "--images", elsewhere.path()}).exit_code == 0);
}

TEST_CASE("a recording never goes into a folder that holds something, and loses nothing there") {
  const TemporaryFolder folder;
  folder.file("precious", {1, 2, 3});
  const Outcome outcome = run({"record", "-o", folder.path(), "--kernel", built_guest("hello_real.bin"), "--flat"});
  CHECK(outcome.exit_code == 65);
  CHECK(folder.contents("precious").size() == 3);
}

}  // namespace lockstitch::test
