// A short recording made once through the program, copies of it to do harm to, and what a replay of a harmed copy may
// do.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/e2e/cli/program.h"

namespace lockstitch::test {

/// From LOCKSTITCH_SEED.
std::uint64_t seed();

/// A small number, or less where the program is slow: a sanitized build.
std::size_t several(std::size_t count);

/// The guest of chatty.asm, and flags that run it.
std::vector<std::string> chatty_guest();

/// What a replay that ended well tells.
struct Replayed {
  std::uint64_t ticks = 0;
  std::string digest, cut;
  bool complete = false;
};

/// A trace of the guest of chatty.asm with console input and three checkpoints. Its kernel is in the trace only.
struct Recorded {
  TemporaryFolder folder;
  std::string trace = folder.file("trace");
  std::vector<std::string> checkpoints;  ///< relative to the trace, ascending
  Replayed end;
  std::string console;  ///< what the guest wrote
};
const Recorded& recorded();

/// A copy that may be harmed.
class TraceCopy {
 public:
  TraceCopy();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::vector<std::uint8_t> contents(const std::string& name) const;
  void put(const std::string& name, const std::vector<std::uint8_t>& bytes) const;
  /// Replaces the sealed log by its open form.
  void open_log() const;

 private:
  TemporaryFolder folder_;
  std::string path_ = folder_.file("trace");
};

inline const std::string sealed_log = "log/000000.zst", open_log = "log/000000.open";

/// Fails the test unless the replay ended with 0 and the summary tells so.
Replayed replayed(const std::string& trace, std::vector<std::string> flags = {});
/// Of a run with `--json` that ended with 0.
Replayed account_of(const Outcome& outcome);

/// One line on stderr, as sentences are.
void check_one_sentence(const Outcome& outcome);

enum class Needed {
  yes,    ///< what was harmed is needed: anything but an error or a divergence is wrong
  maybe,  ///< or the replay may end well, if it ends as the recording did
};
/// Replays what was harmed: an error that says so, a divergence, or the right end.
void check_replay_of_harmed(const std::string& trace, std::vector<std::string> flags, Needed needed);
/// `trace verify` finds what was harmed.
void check_verify_of_harmed(const std::string& trace);

/// `bytes` with another byte somewhere.
struct Flip {
  std::size_t at = 0;
  std::uint8_t by = 0;
};
Flip random_flip(std::mt19937_64& random, std::size_t size);

}  // namespace lockstitch::test
