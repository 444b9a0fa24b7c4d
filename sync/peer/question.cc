// See question.h.
#include "sync/peer/question.h"

#include <fmt/format.h>

namespace lockstitch::sync {

kj::Promise<ClaimAnswer> answer_in_time(kj::Timer& timer, const std::string& name, std::shared_ptr<Question> question,
                                        kj::Promise<ClaimAnswer> answer) {
  const auto failed = [name, question](const std::string& why) -> ClaimAnswer {
    return {question->claim_sent ? Claim::unknown : Claim::unreachable, {}, fmt::format("'{}': {}", name, why)};
  };
  auto too_late = timer.afterDelay(Arbiter::timeout_ms * kj::MILLISECONDS).then([failed] {
    return failed(fmt::format("no answer within {} ms", Arbiter::timeout_ms));
  });
  return answer.exclusiveJoin(kj::mv(too_late)).catch_([failed](kj::Exception&& exception) {
    return failed(exception.getDescription().cStr());
  });
}

}  // namespace lockstitch::sync
