// See summary_writer.h.
#include "vmm/app/summary_writer.h"

#include <cstdio>

namespace lockstitch::app {

Result<SummaryWriter> SummaryWriter::open(const std::string& file, bool to_stdout) {
  SummaryWriter writer;
  writer.to_stdout_ = to_stdout;
  if (!file.empty()) {
    auto made = OutputFile::create(file, "The summary");
    if (!made.ok()) return made.error();
    writer.file_ = std::move(made).value();
  }
  return writer;
}

Outcome SummaryWriter::write(const Summary& summary) {
  const std::string json = to_json(summary);
  if (to_stdout_ && (std::fputs(json.c_str(), stdout) < 0 || std::fflush(stdout) != 0)) {
    return Error{ExitCode::world, "the summary could not be written to the standard output"};
  }
  return file_ ? file_->write(json) : success();
}

}  // namespace lockstitch::app
