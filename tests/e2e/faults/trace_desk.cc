// See trace_desk.h.
#include "tests/e2e/faults/trace_desk.h"

#include <doctest/doctest.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>

namespace lockstitch::test {

namespace {

std::vector<std::uint8_t> read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void make(Recorded& r) {
  const std::string kernel = r.folder.file("kernel", read(LOCKSTITCH_CHATTY));
  const Outcome run_of = run({"record", "--flat", "--kernel", kernel, "--memory", "4M", "--seed", "7", "--digest-every",
                              "10000000", "--digests", r.folder.file("digests"), "-o", r.trace},
                             "abcdefghq");
  REQUIRE_MESSAGE(run_of.exit_code == 0, run_of.err);
  r.console = run_of.out;
  REQUIRE(r.console.find("00000040\n") != std::string::npos);
  std::filesystem::remove(kernel);

  r.end = replayed(r.trace);
  REQUIRE(r.end.complete);
  for (const std::uint64_t tenths : {3, 6, 9}) {
    const std::uint64_t tick = r.end.ticks * tenths / 10;
    const Outcome made = run({"checkpoint", r.trace, "--at", std::to_string(tick)});
    REQUIRE_MESSAGE(made.exit_code == 0, made.err);
    const std::string digits = std::to_string(tick);
    r.checkpoints.push_back("checkpoints/" + std::string(20 - digits.size(), '0') + digits + ".checkpoint");
  }
  const Outcome verified = run({"trace", "verify", r.trace});
  REQUIRE_MESSAGE(verified.exit_code == 0, verified.out);
}

}  // namespace

std::uint64_t seed() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 1;
}

std::size_t several(std::size_t count) {
#ifdef LOCKSTITCH_SANITIZED
  return (count + 4) / 5;
#else
  return count;
#endif
}

std::vector<std::string> chatty_guest() { return {"--flat", "--kernel", LOCKSTITCH_CHATTY, "--memory", "4M"}; }

const Recorded& recorded() {
  static const std::unique_ptr<Recorded> once = [] {
    auto made = std::make_unique<Recorded>();
    make(*made);
    return made;
  }();
  return *once;
}

TraceCopy::TraceCopy() { std::filesystem::copy(recorded().trace, path_, std::filesystem::copy_options::recursive); }

std::vector<std::uint8_t> TraceCopy::contents(const std::string& name) const { return read(file(name)); }

void TraceCopy::put(const std::string& name, const std::vector<std::uint8_t>& bytes) const { write(file(name), bytes); }

void TraceCopy::open_log() const {
  // A sealed segment is what zstd itself can read: the frames of the open one.
  const auto sealed = contents(sealed_log);
  constexpr std::size_t preamble_bytes = 36;
  REQUIRE(sealed.size() > preamble_bytes);
  const auto size = ZSTD_getFrameContentSize(sealed.data() + preamble_bytes, sealed.size() - preamble_bytes);
  REQUIRE(size < (64u << 20));
  std::vector<std::uint8_t> frames(size);
  REQUIRE(ZSTD_decompress(frames.data(), size, sealed.data() + preamble_bytes, sealed.size() - preamble_bytes) == size);
  std::filesystem::remove(file(sealed_log));
  put(test::open_log, frames);
}

Replayed account_of(const Outcome& outcome) {
  const auto summary = nlohmann::json::parse(outcome.out, nullptr, false);
  REQUIRE_MESSAGE(summary.is_object(), outcome.err);
  CHECK(summary["exit_code"] == 0);
  Replayed replayed{summary["ticks"], summary["final_digest"], "", summary["replay"]["complete"]};
  if (summary["replay"]["cut"].is_string()) replayed.cut = summary["replay"]["cut"];
  return replayed;
}

Replayed replayed(const std::string& trace, std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"replay", trace, "--json"});
  const Outcome outcome = run(std::move(flags));
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  return account_of(outcome);
}

void check_one_sentence(const Outcome& outcome) {
  CAPTURE(outcome.err);
  CHECK(outcome.err.starts_with("lockstitch: "));
  CHECK((outcome.err.ends_with(".\n") || outcome.err.ends_with("?\n")));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  for (const char c : outcome.err) CHECK((c == '\n' || (c >= ' ' && c < 0x7f)));
}

void check_replay_of_harmed(const std::string& trace, std::vector<std::string> flags, Needed needed) {
  std::string shown;
  for (const std::string& flag : flags) shown += " " + flag;
  CAPTURE(shown);
  flags.insert(flags.begin(), {"replay", trace, "--json"});
  const Outcome outcome = run(std::move(flags));
  CAPTURE(outcome.err);
  switch (outcome.exit_code) {
    case 65:
    case 66:
      check_one_sentence(outcome);
      return;
    case 81:
      CHECK(outcome.err.find("diverged from the recording at tick") != std::string::npos);
      CHECK(outcome.err.find("to see it again: ") != std::string::npos);
      return;
    case 0: {
      CHECK(needed == Needed::maybe);
      const Replayed end = account_of(outcome);
      CHECK(end.complete);
      CHECK(end.digest == recorded().end.digest);
      CHECK(end.ticks == recorded().end.ticks);
      return;
    }
    default:
      FAIL_CHECK("it ended with ", outcome.exit_code);
  }
}

void check_verify_of_harmed(const std::string& trace) {
  const Outcome outcome = run({"trace", "verify", trace});
  CAPTURE(outcome.out);
  CAPTURE(outcome.err);
  CHECK((outcome.exit_code == 65 || outcome.exit_code == 66));
}

Flip random_flip(std::mt19937_64& random, std::size_t size) {
  REQUIRE(size > 0);
  return {random() % size, static_cast<std::uint8_t>(random() % 2 == 0 ? 1u << random() % 8 : 1 + random() % 255)};
}

}  // namespace lockstitch::test
