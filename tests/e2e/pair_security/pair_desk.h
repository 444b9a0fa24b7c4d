// Replicas on this host, without a network of the guest: a folder with keys, disks and states, and what each replica
// tells in its events.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/cli/program.h"

namespace lockstitch::test {

using Words = std::vector<std::string>;

/// A port of 127.0.0.1 that was free a moment ago.
unsigned free_port();

class PairDesk {
 public:
  PairDesk();

  /// The flags of a replica, "a" or "b", each replaced by what `other` gives for it and followed by the rest of
  /// `other`.
  Words replica(const std::string& command, const std::string& host, const Words& other = {}) const;
  Program& start(const std::string& command, const std::string& host, const Words& other = {});

  /// Waits for an event of this host whose detail holds `part`; its detail. Fails the test after two minutes.
  std::string wait_for(const std::string& host, const std::string& event, const std::string& part = "") const;
  bool happened(const std::string& host, const std::string& event) const;
  std::string events(const std::string& host) const;

  std::string address(const std::string& host) const;
  std::string path(const std::string& name) const { return folder_.file(name); }
  void file(const std::string& name, const std::string& contents) const {
    folder_.file(name, {contents.begin(), contents.end()});
  }
  /// Ends them by SIGKILL.
  void end() { programs_.clear(); }

 private:
  TemporaryFolder folder_;
  unsigned ports_[2];
  std::vector<std::unique_ptr<Program>> programs_;
};

}  // namespace lockstitch::test
