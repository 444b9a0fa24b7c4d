// A thread for calls that may never return, such as those to a network file system that is gone: jobs run one after
// another, in order, and whoever gives them does not wait. At the end the thread is left to itself, with what it holds.
#pragma once
#include <functional>
#include <memory>

namespace lockstitch::sync {

class SideThread {
 public:
  SideThread();
  /// Does not wait. Jobs that were not begun are dropped.
  ~SideThread();
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  /// The job must own whatever it touches.
  void run(std::function<void()> job);

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace lockstitch::sync
