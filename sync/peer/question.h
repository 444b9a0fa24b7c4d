// A question to an arbiter on the network, from its beginning to an answer that comes in any case: what a failure means
// depends on how far it got.
#pragma once
#include <kj/timer.h>

#include <memory>
#include <string>

#include "sync/peer/arbiter.h"

namespace lockstitch::sync {

struct Question {
  /// The arbiter may have got something that raises a term.
  bool claim_sent = false;
};

/// `answer`, or why there is none. Never throws, never takes longer than an arbiter may.
kj::Promise<ClaimAnswer> answer_in_time(kj::Timer& timer, const std::string& name, std::shared_ptr<Question> question,
                                        kj::Promise<ClaimAnswer> answer);

}  // namespace lockstitch::sync
