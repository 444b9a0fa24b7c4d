// For calls that KVM does not refuse to a state or a memory that an engine made: a refusal is our bug.
#pragma once
#include "lockstitch/assert.h"
#include "lockstitch/result.h"

namespace lockstitch::kvm {

inline void must(const Outcome& outcome) {
  if (!outcome.ok()) assertion_failed(__FILE__, __LINE__, outcome.error().text.c_str());
}

template <class T>
T must_have(Result<T> result) {
  if (!result.ok()) assertion_failed(__FILE__, __LINE__, result.error().text.c_str());
  return std::move(result).value();
}

}  // namespace lockstitch::kvm
