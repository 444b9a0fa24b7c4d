// World trouble as a value: a sentence for the person and an exit code for the script. Used up to the first owner who
// can decide; never for guest oddities (devices define those) nor for our own bugs (assert.h).
#pragma once
#include <string>
#include <utility>
#include <variant>

#include "lockstitch/assert.h"

namespace lockstitch {

/// Process exit codes, documented in README. 0..127 set by the guest through the debug-exit port are passed on as they are.
enum class ExitCode : int {
  ok = 0,
  usage = 64,         ///< unknown flag, bad value, broken guest file
  bad_input = 65,     ///< a file that is there but is not what it should be
  missing_input = 66, ///< a file, device or peer that is not there or may not be read
  unavailable = 69,   ///< the host lacks something: memory, TAP, permission
  internal = 70,      ///< our bug
  world = 74,         ///< I/O error while running
  guest_crash = 80,   ///< triple fault or guest shutdown without power-off
  divergence = 81,    ///< two executions that had to be equal were not
  interrupted = 82,   ///< ended by the user (escape key, SIGINT, SIGTERM)
};

struct Error {
  ExitCode code = ExitCode::internal;
  std::string text;  ///< one sentence: what is wrong, why, and the cure
};

/// A value or an Error. Fails: reading the wrong side asserts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : either_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : either_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return either_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    LS_ASSERT(ok());
    return std::get<0>(either_);
  }
  const T& value() const& {
    LS_ASSERT(ok());
    return std::get<0>(either_);
  }
  T&& value() && {
    LS_ASSERT(ok());
    return std::get<0>(std::move(either_));
  }
  const Error& error() const {
    LS_ASSERT(!ok());
    return std::get<1>(either_);
  }

 private:
  std::variant<T, Error> either_;
};

using Outcome = Result<std::monostate>;
inline Outcome success() { return std::monostate{}; }

}  // namespace lockstitch
