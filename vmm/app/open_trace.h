// A trace on disk as the commands that read one need it: unpacked if it was packed, its header read and its log
// surveyed. Not here: machines.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "sync/checkpoint/checkpoint_file.h"
#include "sync/log/header.h"
#include "sync/log/log_reader.h"
#include "sync/trace/trace_folder.h"

namespace lockstitch::app {

/// What a log holds, found by reading all of it.
struct LogSurvey {
  Tick last_tick;                  ///< of the last entry
  Tick known_until;                ///< a machine can be replayed up to here, this tick excluded
  std::optional<sync::Entry> end;  ///< nothing: the log was cut off, or is damaged
  std::string cut;                 ///< what is missing, as a sentence; empty when nothing is
  std::optional<Error> damage;     ///< reading stopped there
};

class OpenTrace {
 public:
  /// `path`: a trace's folder, or a packed trace, which is unpacked into a temporary folder for as long as this lives.
  /// Fails: missing, no trace, damaged header.
  static Result<std::unique_ptr<OpenTrace>> open(const std::string& path);
  ~OpenTrace();
  OpenTrace(const OpenTrace&) = delete;
  OpenTrace& operator=(const OpenTrace&) = delete;

  /// As the person named it.
  const std::string& name() const { return name_; }
  const sync::TraceFolder& folder() const { return folder_; }
  const sync::Header& header() const { return header_; }
  Digest identity() const { return header_.identity; }

  /// The header with every image's path replaced by where its contents are now: in the trace, where they were, or in a
  /// folder of `search`. Fails: an image that is gone or has changed.
  Result<sync::Header> header_with_images(const std::vector<std::string>& search) const;

  Result<sync::LogReader> read_log() const { return sync::LogReader::open(folder_.log(), identity()); }
  /// `each`: sees every entry on the way. Fails: only when the log cannot be read at all.
  Result<LogSurvey> survey(const std::function<void(const sync::Entry&)>& each = {}) const;

  std::vector<sync::CheckpointListing> checkpoints() const { return sync::list_checkpoints(folder_.checkpoints()); }
  /// The latest one at `tick` or before. Nothing: there is none. Fails: it is damaged.
  Result<std::optional<sync::CheckpointFile>> checkpoint_before(Tick tick) const;

 private:
  OpenTrace(std::string name, sync::TraceFolder folder);

  std::string name_;
  sync::TraceFolder folder_;
  std::string temporary_;  ///< to be removed; empty: the folder is the person's
  sync::Header header_;
};

/// The trace that a checkpoint's file belongs to: the folder above its folder.
std::string trace_of_checkpoint(const std::string& path);

}  // namespace lockstitch::app
