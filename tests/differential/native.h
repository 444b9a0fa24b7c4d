// Executes one instruction on the processor itself, in user mode of this process. Signals carry the state in and out: a
// signal frame holds every register a user program can see, and returning from the handler loads them all at once.
// Not here: what is executed (generator.h), what the engine makes of it (engine_side.h).
#pragma once
#include <span>

#include "tests/differential/layout.h"
#include "tests/differential/registers.h"

namespace lockstitch::differential {

class Native {
 public:
  /// Fails: `trouble()` says why this host cannot run the tests.
  Native();
  ~Native();
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  const std::string& trouble() const { return trouble_; }

  /// The four data pages, writable here whatever the case may do with them.
  std::span<std::uint8_t> data() { return {data_, data_bytes}; }

  /// Takes the signals of this process; doctest has them between test cases.
  void take_signals();

  Outcome run(const Case& which);

 private:
  std::uint8_t* code_ = nullptr;
  std::uint8_t* data_ = nullptr;
  std::string trouble_;
};

}  // namespace lockstitch::differential
