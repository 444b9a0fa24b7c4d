// An arbiter that is nothing but files on storage that both hosts share, one for each term: PATH.term-1, PATH.term-2
// and so on, none ever removed or changed.
//
// A term is raised by link(2) of a finished file to the next name, which succeeds for exactly one. No lock is trusted:
// over NFS a lock can be lost while its holder hangs, and what the holder still had under way then overwrites its
// successor. A link that comes late finds its name taken.
#pragma once
#include <kj/timer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sync/peer/arbiter.h"
#include "sync/peer/side_thread.h"

namespace lockstitch::sync {

class FileArbiter final : public Arbiter {
 public:
  /// `path` without the ending. `timer`: of the event loop.
  FileArbiter(std::string path, std::string pair, kj::Timer& timer);

  kj::Promise<ClaimAnswer> claim(Term expected, const std::string& holder) override;
  kj::Promise<ClaimAnswer> read() override;
  const std::string& name() const override { return name_; }

  enum class Step : std::uint8_t { begin, link };
  /// Called on the side thread before each such step: a storage that hangs. For tests; before the first question.
  void set_obstacle(std::function<void(Step)> obstacle);

 private:
  class Storage;
  struct Job;

  kj::Promise<ClaimAnswer> ask(std::function<ClaimAnswer(Storage&, Job&)> question);

  const std::string name_;
  kj::Timer& timer_;
  std::shared_ptr<Storage> storage_;  ///< touched by the side thread only
  SideThread thread_;
};

}  // namespace lockstitch::sync
