// A body of code with a stack of its own that can stop in the middle and be continued, with a message each way. The
// only user of Boost.Context. Tells the address and thread sanitizers about its switches.
#pragma once
#include <functional>
#include <memory>

namespace lockstitch {

class Fiber {
 public:
  /// The body gets the first resume()'s message when it starts and must not throw. It starts with the first resume().
  using Body = std::function<void(Fiber& self, void* first_message)>;

  explicit Fiber(Body body);
  /// A suspended body is unwound first, by an exception out of its suspend() that it must let through.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// From outside: runs the body until it suspends or ends. Returns what it suspended with, null at its end.
  void* resume(void* message);
  /// From inside the body: goes back to resume() with `message`. Returns the next resume()'s message.
  void* suspend(void* message);
  bool ended() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace lockstitch
