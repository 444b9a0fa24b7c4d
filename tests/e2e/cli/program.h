// The built program `lockstitch` as a person or a script sees it: arguments and standard streams in, exit code and text
// out.
#pragma once
#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/world/temporary_folder.h"

namespace lockstitch::test {

/// A guest of firmware/guests, e.g. "long_mode.elf".
std::string built_guest(const std::string& name);

class Program {
 public:
  /// Starts it. `terminal_fd`: a terminal for its standard input and output; -1: `input` and a file.
  explicit Program(std::vector<std::string> arguments, const std::string& input = "", int terminal_fd = -1);
  /// Ends it if it still runs.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number);
  /// Waits until the guest has written this much to the standard output. Fails the test after two minutes.
  void wait_for_output(const std::string& text);
  /// Waits for the end. Result: the exit code, or 1000 and the number of the signal that ended it. Fails the test after
  /// two minutes.
  int wait();

  std::string out() const { return text("out"); }
  std::string err() const { return text("err"); }

 private:
  std::string text(const std::string& name) const;
  void hung(const char* what);

  TemporaryFolder folder_;
  std::string shown_;
  pid_t pid_ = -1;
};

struct Outcome {
  int exit_code = 0;
  std::string out, err;
};

Outcome run(std::vector<std::string> arguments, const std::string& input = "");

/// With a summary, which must be JSON.
struct Account : Outcome {
  nlohmann::json summary;
};
Account run_with_summary(std::vector<std::string> arguments, const std::string& input = "");

}  // namespace lockstitch::test
