// Where a summary goes: a file, the standard output, both or neither.
#pragma once
#include <optional>

#include "lockstitch/result.h"
#include "vmm/app/output_file.h"
#include "vmm/app/summary.h"

namespace lockstitch::app {

class SummaryWriter {
 public:
  /// `file`: empty for none; made at once, so that a wrong path is noticed before the run.
  static Result<SummaryWriter> open(const std::string& file, bool to_stdout);

  Outcome write(const Summary& summary);

 private:
  bool to_stdout_ = false;
  std::optional<OutputFile> file_;
};

}  // namespace lockstitch::app
