// See fiber.h. Sources: boost/context/fiber.hpp, sanitizer/common_interface_defs.h, sanitizer/tsan_interface.h.
#include "vmm/machine/fiber.h"

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <utility>

#include "lockstitch/assert.h"
#include "lockstitch/limits.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCKSTITCH_FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define LOCKSTITCH_FIBER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LOCKSTITCH_FIBER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define LOCKSTITCH_FIBER_TSAN 1
#endif

#if defined(LOCKSTITCH_FIBER_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(LOCKSTITCH_FIBER_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace lockstitch {
namespace {

#if defined(LOCKSTITCH_FIBER_ASAN) || defined(LOCKSTITCH_FIBER_TSAN)
constexpr std::size_t stack_bytes = 4 * limits::fiber_stack_bytes;  // instrumented frames are several times larger
#else
constexpr std::size_t stack_bytes = limits::fiber_stack_bytes;
#endif

/// What the sanitizers must know of the two stacks. Every switch is announced before (leave) and confirmed after
/// (enter); without a sanitizer all of it is empty.
class Switches {
 public:
#if defined(LOCKSTITCH_FIBER_ASAN)
  void outside_leaves(const boost::context::stack_context& stack) {
    const auto* top = static_cast<const char*>(stack.sp);
    __sanitizer_start_switch_fiber(&outside_fake_, top - stack.size, stack.size);
  }
  void inside_enters() { __sanitizer_finish_switch_fiber(inside_fake_, &outside_bottom_, &outside_size_); }
  void inside_leaves() { __sanitizer_start_switch_fiber(&inside_fake_, outside_bottom_, outside_size_); }
  void inside_ends() { __sanitizer_start_switch_fiber(nullptr, outside_bottom_, outside_size_); }
  void outside_enters() { __sanitizer_finish_switch_fiber(outside_fake_, nullptr, nullptr); }

 private:
  void* outside_fake_ = nullptr;
  void* inside_fake_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
#elif defined(LOCKSTITCH_FIBER_TSAN)
  ~Switches() { __tsan_destroy_fiber(inside_); }
  void outside_leaves(const boost::context::stack_context&) {
    outside_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(inside_, 0);
  }
  void inside_enters() {}
  void inside_leaves() { __tsan_switch_to_fiber(outside_, 0); }
  void inside_ends() { inside_leaves(); }
  void outside_enters() {}

 private:
  void* outside_ = nullptr;
  void* inside_ = __tsan_create_fiber(0);
#else
  void outside_leaves(const boost::context::stack_context&) {}
  void inside_enters() {}
  void inside_leaves() {}
  void inside_ends() {}
  void outside_enters() {}
#endif
};

/// A guard page below the stack turns an overflow into a crash at the right place. The stack's bounds are kept for
/// ASan.
struct NotedStack : boost::context::protected_fixedsize_stack {
  NotedStack(std::size_t bytes, boost::context::stack_context& note)
      : boost::context::protected_fixedsize_stack(bytes), note_(&note) {}
  boost::context::stack_context allocate() { return *note_ = boost::context::protected_fixedsize_stack::allocate(); }

 private:
  boost::context::stack_context* note_;
};

}  // namespace

struct Fiber::Context {
  boost::context::stack_context stack;
  Switches switches;
  void* message = nullptr;
  bool discarded = false;
  boost::context::fiber inside;   ///< empty while the body runs and after it has ended
  boost::context::fiber outside;  ///< empty while the body does not run
};

namespace {

/// Thrown by suspend() when the fiber is destroyed, caught below the body.
struct Discarded {};

}  // namespace

Fiber::Fiber(Body body) : context_(std::make_unique<Context>()) {
  Context& c = *context_;
  c.inside = boost::context::fiber(std::allocator_arg, NotedStack(stack_bytes, c.stack),
                                   [this, &c, body = std::move(body)](boost::context::fiber&& outside) {
                                     c.outside = std::move(outside);
                                     c.switches.inside_enters();
                                     try {
                                       if (!c.discarded) body(*this, c.message);
                                     } catch (const Discarded&) {
                                     }
                                     c.message = nullptr;
                                     c.switches.inside_ends();
                                     return std::move(c.outside);
                                   });
}

Fiber::~Fiber() {
  LS_ASSERT(!context_->outside);
  if (ended()) return;
  context_->discarded = true;
  resume(nullptr);
  LS_ASSERT(ended());
}

bool Fiber::ended() const { return !context_->inside && !context_->outside; }

void* Fiber::resume(void* message) {
  Context& c = *context_;
  LS_ASSERT(static_cast<bool>(c.inside));
  c.message = message;
  c.switches.outside_leaves(c.stack);
  c.inside = std::move(c.inside).resume();
  c.switches.outside_enters();
  return c.message;
}

void* Fiber::suspend(void* message) {
  Context& c = *context_;
  LS_ASSERT(static_cast<bool>(c.outside));
  c.message = message;
  c.switches.inside_leaves();
  // `inside` receives this side in resume(); `outside` is empty until somebody resumes again.
  c.outside = std::move(c.outside).resume();
  c.switches.inside_enters();
  if (c.discarded) throw Discarded{};
  return c.message;
}

}  // namespace lockstitch
